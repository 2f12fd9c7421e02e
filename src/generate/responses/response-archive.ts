import type { ResponsesItem } from '../../wire/responses/responses-item.ts'
import type { ResponseRecord } from './response-record.ts'

/** Which response is meant. */
export type ResponseAddress = Pick<ResponseRecord, 'resource' | 'id'>

/**
 * Keeps responses so that they can be read again, continued and cancelled: in this process, or at a place that many processes
 * share. What is known at once is given without a promise. Times are milliseconds since 1970.
 */
export interface ResponseArchive {
  /** Keeps a response; whoever asks for it when that is done finds it. */
  add(record: ResponseRecord): void | Promise<void>
  /** The response of this id; undefined where there is none. */
  get(
    resource: string,
    id: string,
    nowMs: number,
  ): ResponseRecord | undefined | Promise<ResponseRecord | undefined>
  /** An item of the input or of the output of any response that is kept. */
  findItem(
    resource: string,
    id: string,
    nowMs: number,
  ): ResponsesItem | undefined | Promise<ResponsesItem | undefined>
  /** Takes over how far a response is. */
  update(record: ResponseAddress & Pick<ResponseRecord, 'progress'>): void | Promise<void>
  /** Removes a response. */
  delete(place: ResponseAddress): void | Promise<void>
  /** Removes all of them that are kept in this process. */
  clear(): void
}
