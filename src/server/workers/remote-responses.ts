import { recordFromJson, recordToJson } from '../../generate/responses/input-items.ts'
import type { ResponseArchive, ResponseAddress } from '../../generate/responses/response-archive.ts'
import type { ResponseRecord } from '../../generate/responses/response-record.ts'
import type { ResponsesItem } from '../../wire/responses/responses-item.ts'
import type { Peer } from '../../shared/rpc/peer.ts'
import type { ResponseMethods } from './response-messages.ts'

/** The stored responses of a worker: they lie in the primary, so that every worker finds them. */
export class RemoteResponses implements ResponseArchive {
  readonly #primary: Peer<ResponseMethods>

  constructor(primary: Peer<ResponseMethods>) {
    this.#primary = primary
  }

  add(record: ResponseRecord): Promise<void> {
    return this.#primary.call('responses.add', recordToJson(record))
  }

  async get(resource: string, id: string): Promise<ResponseRecord | undefined> {
    const record = await this.#primary.call('responses.get', [resource, id])
    return record ? recordFromJson(record) : undefined
  }

  async findItem(resource: string, id: string): Promise<ResponsesItem | undefined> {
    return (await this.#primary.call('responses.item', [resource, id])) ?? undefined
  }

  update({ resource, id, progress }: Parameters<ResponseArchive['update']>[0]): void | Promise<void> {
    const { state } = progress
    // Only who cancels waits for it.
    if (state.cancelled) return this.#primary.call('responses.update', [[resource, id], state])
    this.#primary.tell('responses.update', [[resource, id], state])
    return undefined
  }

  delete({ resource, id }: ResponseAddress): Promise<void> {
    return this.#primary.call('responses.delete', [resource, id])
  }

  /** The primary does that. */
  clear(): void {}
}
