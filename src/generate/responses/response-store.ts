import { sharedIdPart } from '../../wire/responses/response-ids.ts'
import { itemOf, type StoredItem } from './input-items.ts'
import type {
  AddedResponse,
  ResponseAddress,
  ResponseArchive,
  ResponseUpdate,
  ResponseRecord,
} from './response-archive.ts'

const DAY_MS = 24 * 60 * 60 * 1_000

/** Retention of a response on the service (Microsoft Learn, "Azure OpenAI Responses API"). */
const RETENTION_MS = 30 * DAY_MS

/** Maximum stored responses of all resources. */
const MAX_RESPONSES = 10_000

/** Maximum size of all stored responses, in bytes. */
const MAX_BYTES = 64 * 1_024 * 1_024

/** Limits of a store. */
export interface StoreLimits {
  readonly responses: number
  readonly bytes: number
}

/** Default limits of a store. */
export const defaultStoreLimits: StoreLimits = { responses: MAX_RESPONSES, bytes: MAX_BYTES }

/**
 * Stores responses in memory. When a limit is reached, the oldest responses are deleted. A response is found by its
 * resource and id, and its items by their ids.
 */
export class ResponseStore implements ResponseArchive<ResponseAddress> {
  readonly #limits: StoreLimits
  /** By the shared part of the ids of a response, oldest first. */
  readonly #records = new Map<string, ResponseRecord>()
  #bytes = 0

  constructor(limits = defaultStoreLimits) {
    this.#limits = limits
  }

  /** Number of stored responses, including expired ones. */
  get size(): number {
    return this.#records.size
  }

  /** Stores a response, unless it is larger than the whole store. */
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

  /** Returns an input or output item of any stored response. */
  findItem(resource: string, id: string, nowMs: number): StoredItem | undefined {
    const record = this.find(resource, id, nowMs)
    return record && itemOf(record, id)
  }

  /**
   * Applies progress from another process. Responses of this process share their progress object, so nothing changes.
   */
  update({ resource, id, progress }: ResponseUpdate): void {
    const known = this.#records.get(keyOf(resource, id) ?? '')
    if (known && known.progress !== progress) known.progress.apply(progress.state)
  }

  finish(_: ResponseAddress, update: ResponseUpdate): void {
    this.update(update)
  }

  cancel(update: ResponseUpdate): void {
    this.update(update)
  }

  /** Deletes a response. */
  delete({ resource, id }: ResponseAddress): void {
    const key = keyOf(resource, id)
    if (key !== undefined) this.#remove(key)
  }

  /** Deletes all responses. */
  clear(): void {
    this.#records.clear()
    this.#bytes = 0
  }

  retainResources(ids: ReadonlySet<string>): void {
    for (const [key, { resource }] of this.#records) if (!ids.has(resource)) this.#remove(key)
  }

  /** Returns the response with this id, or with an item with this id. */
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
