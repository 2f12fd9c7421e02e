import { sharedIdPart } from '../../wire/responses/response-ids.ts'
import type { ResponsesItem } from '../../wire/responses/responses-item.ts'
import { itemOf } from './input-items.ts'
import type {
  AddedResponse,
  ResponseAddress,
  ResponseArchive,
  ResponseUpdate,
  ResponseRecord,
} from './response-archive.ts'

const DAY_MS = 24 * 60 * 60 * 1_000

/** How long the service keeps a response (Microsoft Learn, "Azure OpenAI Responses API"). */
const RETENTION_MS = 30 * DAY_MS

/** Most responses that are kept, of all resources together. */
const MAX_RESPONSES = 10_000

/** Room for all of them, in bytes. */
const MAX_BYTES = 64 * 1_024 * 1_024

/** What a store holds at most. */
export interface StoreLimits {
  readonly responses: number
  readonly bytes: number
}

/** What a store holds unless it is told otherwise. */
export const usualStoreLimits: StoreLimits = { responses: MAX_RESPONSES, bytes: MAX_BYTES }

/**
 * The responses that can be read again, continued and cancelled. In memory, so they end with the process; when a limit
 * is reached, the oldest go first. A response is found by its resource and its id, and its items by theirs.
 */
export class ResponseStore implements ResponseArchive<ResponseAddress> {
  readonly #limits: StoreLimits
  /** By what all ids of one response share, oldest first. */
  readonly #records = new Map<string, ResponseRecord>()
  #bytes = 0

  constructor(limits = usualStoreLimits) {
    this.#limits = limits
  }

  /** How many responses there are, those past their retention included. */
  get size(): number {
    return this.#records.size
  }

  /** Keeps a response; one that is larger than the whole store is not kept. */
  add(record: ResponseRecord): AddedResponse<ResponseAddress> {
    const key = keyOf(record.resource, record.id)
    if (key === undefined || record.weight > this.#limits.bytes) return {}
    this.#records.set(key, record)
    this.#bytes += record.weight
    for (const [oldest, old] of this.#records) {
      const isOver = this.#records.size > this.#limits.responses || this.#bytes > this.#limits.bytes
      if (!isOver && old.createdMs + RETENTION_MS > record.createdMs) break
      this.#remove(oldest)
    }
    return record.request.background === true ? {} : { lease: record }
  }

  /** @param nowMs milliseconds since 1970 */
  get(resource: string, id: string, nowMs: number): ResponseRecord | undefined {
    const record = this.find(resource, id, nowMs)
    return record?.id === id ? record : undefined
  }

  /** An item of the input or of the output of any stored response. */
  findItem(resource: string, id: string, nowMs: number): ResponsesItem | undefined {
    const record = this.find(resource, id, nowMs)
    return record && itemOf(record, id)
  }

  /** Takes over the progress that another process has told; what was made here is kept itself. */
  update({ resource, id, progress }: ResponseUpdate): void {
    const known = this.#records.get(keyOf(resource, id) ?? '')
    if (known && known.progress !== progress) known.progress.take(progress.state)
  }

  finish(_: ResponseAddress, update: ResponseUpdate): void {
    this.update(update)
  }

  cancel(update: ResponseUpdate): void {
    this.update(update)
  }

  /** Removes a response. */
  delete({ resource, id }: ResponseAddress): void {
    const key = keyOf(resource, id)
    if (key !== undefined) this.#remove(key)
  }

  /** Removes all of them. */
  clear(): void {
    this.#records.clear()
    this.#bytes = 0
  }

  /** The response that its own id or that of one of its items leads to. */
  find(resource: string, id: string, nowMs: number): ResponseRecord | undefined {
    const key = keyOf(resource, id)
    const record = key === undefined ? undefined : this.#records.get(key)
    if (key === undefined || !record || record.createdMs + RETENTION_MS > nowMs) return record
    this.#remove(key)
    return undefined
  }

  #remove(key: string): void {
    const record = this.#records.get(key)
    if (record && this.#records.delete(key)) this.#bytes -= record.weight
  }
}

function keyOf(resource: string, id: string): string | undefined {
  const shared = sharedIdPart(id)
  return shared && `${resource}/${shared}`
}
