import {
  itemOf,
  recordFromJson,
  type RecordJson,
  recordToJson,
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
import type { ResponsesItem } from '../../wire/responses/responses-item.ts'
import { sharedIdPart } from '../../wire/responses/response-ids.ts'
import type { Clock } from '../../lib/clock.ts'
import { sleep } from '../../lib/waiting.ts'
import type { RedisDocument, RedisDocuments } from './redis-documents.ts'

/**
 * How long to wait for the end of a response that another simulator sends, in milliseconds, time after time: its client may have
 * read it to its end and asked here before Redis knows.
 */
const pausesMs = [5, 10, 20, 40, 80, 160, 320]

/** What stored responses in Redis are made from. */
export interface RedisResponsesOptions {
  readonly documents: RedisDocuments
  /** Has the responses that were made here, too, and answers while Redis is away. */
  readonly local: ResponseStore
  /** That of the machine. */
  readonly clock: Clock
}

/** The stored responses that all simulators with the same Redis and prefix have together. */
export class RedisResponses implements ResponseArchive<ResponseAddress> {
  readonly #documents: RedisDocuments
  readonly #local: ResponseStore
  readonly #clock: Clock
  /** Those that Redis has not taken. */
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

  async findItem(resource: string, id: string, nowMs: number): Promise<ResponsesItem | undefined> {
    const record = await this.#find({ resource, id }, nowMs)
    return record && itemOf(record, id)
  }

  async update(told: ResponseUpdate): Promise<void> {
    const name = nameOf(told)
    this.#local.update(told)
    if (name === undefined || !this.#documents.up) return
    await this.#documents.change(name, JSON.stringify(told.progress.state)).catch(() => {})
  }

  finish(_: ResponseAddress, told: ResponseUpdate): Promise<void> {
    return this.update(told)
  }

  cancel(told: ResponseUpdate): Promise<void> {
    return this.update(told)
  }

  async delete(address: ResponseAddress): Promise<void> {
    const name = nameOf(address)
    this.#local.delete(address)
    if (name && this.#documents.up) await this.#documents.remove(name).catch(() => {})
  }

  /** Removes those of this simulator; `clearShared` removes those of all. */
  clear(): void {
    this.#local.clear()
  }

  /** Removes those of all simulators from Redis. */
  async clearShared(): Promise<void> {
    if (this.#documents.up) await this.#documents.clear().catch(() => {})
  }

  async #find(address: ResponseAddress, nowMs: number): Promise<ResponseRecord | undefined> {
    const name = nameOf(address)
    if (name === undefined) return undefined
    const own = this.#local.find(address.resource, address.id, nowMs)
    if ((own && this.#unshared.has(own)) || !this.#documents.up) return own
    try {
      return await this.#shared(name, own)
    } catch {
      return own
    }
  }

  async #shared(name: string, own: ResponseRecord | undefined): Promise<ResponseRecord | undefined> {
    for (const pauseMs of [...pausesMs, undefined]) {
      const found = await this.#documents.get(name)
      if (!found) {
        // Another simulator was told to delete it.
        if (own) this.#local.delete(own)
        return undefined
      }
      const record = own ? withProgress(own, found) : recordOf(found)
      if (own || record.progress.isSettled || pauseMs === undefined) return record
      await sleep(pauseMs, this.#clock)
    }
    return undefined
  }
}

/** By what all ids of a response share; undefined for an id of another form. */
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

/** How far it is, is known best where it is sent; only to cancel it may be asked elsewhere. */
function withProgress(own: ResponseRecord, { changing }: RedisDocument): ResponseRecord {
  const told = JSON.parse(changing) as ProgressState
  if (told.cancelled) own.progress.apply(told)
  return own
}
