import { EventSplitter } from '../lib/server-sent-events.ts'
import type { RecordedBody, RecordedEvent } from './interaction.ts'
import { isTerminalEvent } from '../wire/sse.ts'
import { utf8Text } from './yaml-scalar.ts'

/** A body that is larger than this, in bytes, is passed on but not recorded: an endless stream must not fill the memory. */
export const MAX_RECORDED_BODY_BYTES = 64 * 1024 * 1024

/** What an event takes beside its text, in bytes. */
const BYTES_PER_EVENT = 128

/** Bodies up to this size, in bytes, are always recorded, however many are under way. */
const ALWAYS_RECORDED_BYTES = 1024 * 1024

/** What larger bodies take together, in bytes, until they are stored. */
export const MAX_RESERVATION_BYTES = 128 * 1024 * 1024

/** What the tapes of one recorder take beyond the size that each may have. */
export class TapeRoom {
  #used = 0

  /** Whether there is room for so much more, which is then taken. */
  take(bytes: number): boolean {
    if (this.#used + bytes > MAX_RESERVATION_BYTES) return false
    this.#used += bytes
    return true
  }

  release(bytes: number): void {
    this.#used -= bytes
  }
}

/** Takes down a body as it goes by: a stream of events with the time of each, any other body as it is. */
export class BodyRecorder {
  readonly #isEventStream: boolean
  readonly #chunks: Buffer[] = []
  readonly #events: RecordedEvent[] = []
  readonly #room: TapeRoom
  #splitter = new EventSplitter()
  /** What the body takes so far, in bytes, its events included. */
  #size = 0
  #taken = 0
  #isTooLarge = false
  #isText = true
  #hasError = false
  #isTerminated = false

  constructor(isEventStream: boolean, room: TapeRoom) {
    this.#isEventStream = isEventStream
    this.#room = room
  }

  /** Whether the body is too large to be recorded. */
  get isTooLarge(): boolean {
    return this.#isTooLarge
  }

  /** Whether an event of the stream says that something went wrong. */
  get hasError(): boolean {
    return this.#hasError
  }

  /** Whether the stream has said that it is at its end, whatever the connection does afterwards. */
  get isTerminated(): boolean {
    return this.#isTerminated
  }

  /** @param atMs from the start of the request */
  push(chunk: Buffer, atMs: number): void {
    if (this.#isTooLarge || !this.#grow(chunk.length)) return
    this.#chunks.push(chunk)
    if (!this.#isEventStream) return
    for (const event of this.#splitter.push(chunk)) this.#addEvent(event, atMs)
  }

  /** Gives back what the body takes: it is stored, or not to be. */
  close(): void {
    this.#chunks.length = 0
    this.#events.length = 0
    this.#splitter = new EventSplitter()
    this.#room.release(this.#taken)
    this.#taken = 0
  }

  /** The whole body, once nothing more comes. @param atMs from the start of the request */
  finish(atMs: number): RecordedBody {
    if (this.#isEventStream) this.#addEvent(this.#splitter.rest(), atMs)
    // An answer may say that it is a stream and have no body: that of HEAD, 204 and 304, and an error without text.
    if (this.#events.length > 0 && this.#isText) return { kind: 'events', events: this.#events }
    return { kind: 'bytes', bytes: Buffer.concat(this.#chunks) }
  }

  #grow(bytes: number): boolean {
    this.#size += bytes
    const beyond = Math.max(0, this.#size - ALWAYS_RECORDED_BYTES - this.#taken)
    if (this.#size <= MAX_RECORDED_BODY_BYTES && this.#room.take(beyond)) {
      this.#taken += beyond
      return true
    }
    this.#isTooLarge = true
    this.close()
    return false
  }

  #addEvent(bytes: Buffer, atMs: number): void {
    if (bytes.length === 0 || this.#isTooLarge || !this.#grow(BYTES_PER_EVENT)) return
    const text = utf8Text(bytes)
    if (text === undefined) this.#isText = false
    else {
      this.#events.push({ atMs, text })
      this.#hasError ||= isErrorEvent(text)
      this.#isTerminated ||= isTerminalEvent(text)
    }
  }
}

function isErrorEvent(text: string): boolean {
  if (/^event: ?(?:error|response\.failed)\s*$/m.test(text)) return true
  if (!text.includes('"error"')) return false
  const data = /^data: ?(\{[^\r\n]*)/m.exec(text)?.[1]
  try {
    const { error, type } = JSON.parse(data ?? 'null') as { error?: unknown; type?: unknown }
    return type === 'error' || (typeof error === 'object' && error !== null) || typeof error === 'string'
  } catch {
    return false
  }
}
