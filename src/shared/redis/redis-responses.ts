import {
  itemOf,
  recordFromJson,
  type RecordJson,
  recordToJson,
  type StoredItem,
} from '../../generate/responses/input-items.ts'
import type {
  AddedResponse,
  ResponseAddress,
  ResponseArchive,
  ResponseUpdate,
  ResponseRecord,
} from '../../generate/responses/response-archive.ts'
import type { ProgressState } from '../../generate/responses/stream-response.ts'
import type { ResponseStore } from '../../generate/responses/response-store.ts'
import { sharedIdPart } from '../../wire/responses/response-ids.ts'
import type { Clock } from '../../lib/clock.ts'
import { sleep } from '../../lib/waiting.ts'
import type { RedisDocument, RedisDocuments } from './redis-documents.ts'

/**
 * Delays in milliseconds between reads of a response that another simulator is sending. The client may have received its end and
 * continue here before Redis has it.
 */
const readDelaysMs = [5, 10, 20, 40, 80, 160, 320]

export interface RedisResponsesOptions {
  readonly documents: RedisDocuments
  /** Also has the responses that were created here. Used alone while Redis is not available. */
  readonly local: ResponseStore
  /** The system clock. */
  readonly clock: Clock
}

/** Stored responses that all simulators with the same Redis and prefix share. */
export class RedisResponses implements ResponseArchive<ResponseAddress> {
  readonly #documents: RedisDocuments
  readonly #local: ResponseStore
  readonly #clock: Clock
  /** Responses that are not in Redis. */
  readonly #unshared = new WeakSet<ResponseRecord>()

  constructor({ documents, local, clock }: RedisResponsesOptions) {
    this.#documents = documents
    this.#local = local
    this.#clock = clock
  }

  async add(record: ResponseRecord): Promise<AddedResponse<ResponseAddress>> {
    const documents = this.#documents
    const name = nameOf(record)
    const added = this.#local.add(record)
    const isShared =
      name !== undefined && documents.up && (await documents.put(name, documentOf(record)).catch(() => false))
    if (!isShared) this.#unshared.add(record)
    return added
  }

  async get(resource: string, id: string, nowMs: number): Promise<ResponseRecord | undefined> {
    const record = await this.#find({ resource, id }, nowMs)
    return record?.id === id ? record : undefined
  }

  async findItem(resource: string, id: string, nowMs: number): Promise<StoredItem | undefined> {
    const record = await this.#find({ resource, id }, nowMs)
    return record && itemOf(record, id)
  }

  async update(update: ResponseUpdate): Promise<void> {
    const name = nameOf(update)
    this.#local.update(update)
    if (name === undefined || !this.#documents.up) return
    await this.#documents.change(name, JSON.stringify(update.progress.state)).catch(() => {})
  }

  finish(_: ResponseAddress, update: ResponseUpdate): Promise<void> {
    return this.update(update)
  }

  cancel(update: ResponseUpdate): Promise<void> {
    return this.update(update)
  }

  async delete(address: ResponseAddress): Promise<void> {
    const name = nameOf(address)
    this.#local.delete(address)
    if (name && this.#documents.up) await this.#documents.remove(name).catch(() => {})
  }

  /** Removes the responses of this simulator. `clearShared` removes those of all simulators. */
  clear(): void {
    this.#local.clear()
  }

  retainResources(ids: ReadonlySet<string>): void {
    this.#local.retainResources(ids)
  }

  /** Removes the responses of all simulators from Redis. */
  async clearShared(): Promise<void> {
    if (this.#documents.up) await this.#documents.clear().catch(() => {})
  }

  async #find(address: ResponseAddress, nowMs: number): Promise<ResponseRecord | undefined> {
    const name = nameOf(address)
    if (name === undefined) return undefined
    const local = this.#local.find(address.resource, address.id, nowMs)
    if ((local && this.#unshared.has(local)) || !this.#documents.up) return local
    try {
      return await this.#shared(name, local)
    } catch {
      return local
    }
  }

  async #shared(name: string, local: ResponseRecord | undefined): Promise<ResponseRecord | undefined> {
    for (const delayMs of [...readDelaysMs, undefined]) {
      const found = await this.#documents.get(name)
      if (!found) {
        // Another simulator has deleted it.
        if (local) this.#local.delete(local)
        return undefined
      }
      const record = local ? withProgress(local, found) : recordOf(found)
      if (local || record.progress.isSettled || delayMs === undefined) return record
      await sleep(delayMs, this.#clock)
    }
    return undefined
  }
}

/** The document name, from the part that all ids of a response share. Undefined for an id in another format. */
function nameOf({ resource, id }: ResponseAddress): string | undefined {
  const shared = sharedIdPart(id)
  return shared && `${resource}/${shared}`
}

function documentOf(record: ResponseRecord): RedisDocument {
  const { progress, ...fixed } = recordToJson(record)
  return { fixed: JSON.stringify(fixed), changing: JSON.stringify(progress) }
}

function recordOf({ fixed, changing }: RedisDocument): ResponseRecord {
  const progress = JSON.parse(changing) as ProgressState
  return recordFromJson({ ...(JSON.parse(fixed) as Omit<RecordJson, 'progress'>), progress })
}

/** Applies a cancellation by another simulator. Otherwise the local progress is the newest, since the response is sent here. */
function withProgress(local: ResponseRecord, { changing }: RedisDocument): ResponseRecord {
  const update = JSON.parse(changing) as ProgressState
  if (update.cancelled) local.progress.apply(update)
  return local
}
