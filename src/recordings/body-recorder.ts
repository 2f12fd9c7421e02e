import { EventSplitter } from '../lib/server-sent-events.ts'
import type { BodyPiece, RecordedBody, RecordedEvent } from './interaction.ts'
import { isTerminalEvent } from '../wire/sse.ts'
import { utf8Text } from './yaml-scalar.ts'

/** A larger body is passed on but not recorded, so that an endless stream does not fill the memory. */
export const MAX_RECORDED_BODY_BYTES = 64 * 1024 * 1024

/** Pieces that arrive within this time of the previous one are one piece. */
const MIN_PIECE_INTERVAL_MS = 1

/** The times of a body with more pieces are not recorded. */
const MAX_PIECES = 10_000

/** Memory of an event in addition to its text. */
const EVENT_OVERHEAD_BYTES = 128

/** Bodies up to this size are always recorded, however many are in progress. */
const UNRESERVED_BODY_BYTES = 1024 * 1024

/** Maximum memory of all larger bodies together until they are stored. */
export const MAX_LARGE_BODIES_BYTES = 128 * 1024 * 1024

/** The memory that all bodies of one recorder use beyond the first megabyte of each. */
export class MemoryBudget {
  #used = 0

  /** Reserves memory. Returns false if not enough is left. */
  reserve(bytes: number): boolean {
    if (this.#used + bytes > MAX_LARGE_BODIES_BYTES) return false
    this.#used += bytes
    return true
  }

  release(bytes: number): void {
    this.#used -= bytes
  }
}

/** Copies a body while it is passed on: a stream of events with the time of each, any other body as bytes. */
export class BodyRecorder {
  readonly #isEventStream: boolean
  readonly #timesPieces: boolean
  readonly #chunks: Buffer[] = []
  readonly #events: RecordedEvent[] = []
  readonly #pieces: BodyPiece[] = []
  readonly #budget: MemoryBudget
  #splitter = new EventSplitter()
  /** Memory of the body so far, in bytes, including the overhead of its events. */
  #size = 0
  #reserved = 0
  #isTooLarge = false
  #isText = true
  #hasError = false
  #isTerminated = false

  /** @param timesPieces whether the times of the pieces of a text are recorded, as those of events are */
  constructor(isEventStream: boolean, budget: MemoryBudget, timesPieces = false) {
    this.#isEventStream = isEventStream
    this.#timesPieces = timesPieces
    this.#budget = budget
  }

  /** Whether the body is too large to be recorded. */
  get isTooLarge(): boolean {
    return this.#isTooLarge
  }

  /** Whether the stream contains an error event. */
  get hasError(): boolean {
    return this.#hasError
  }

  /** Whether the stream has sent its terminal event. What the connection does afterwards does not matter. */
  get isTerminated(): boolean {
    return this.#isTerminated
  }

  /** @param atMs from the start of the request */
  push(chunk: Buffer, atMs: number): void {
    if (this.#isTooLarge || !this.#grow(chunk.length)) return
    this.#chunks.push(chunk)
    if (!this.#isEventStream) {
      if (this.#timesPieces) this.#addPiece(chunk.length, atMs)
      return
    }
    for (const event of this.#splitter.push(chunk)) this.#addEvent(event, atMs)
  }

  /** Releases the memory, after the body was stored or dropped. */
  close(): void {
    this.#chunks.length = 0
    this.#events.length = 0
    this.#splitter = new EventSplitter()
    this.#budget.release(this.#reserved)
    this.#reserved = 0
  }

  /** The complete body, after its end. @param atMs from the start of the request */
  finish(atMs: number): RecordedBody {
    if (this.#isEventStream) this.#addEvent(this.#splitter.rest(), atMs)
    // An answer with the content type of streams may have no body: HEAD, 204, 304, and errors without text.
    if (this.#events.length > 0 && this.#isText) return { kind: 'events', events: this.#events }
    const bytes = Buffer.concat(this.#chunks)
    const isTimed = this.#pieces.length > 1 && this.#pieces.length <= MAX_PIECES
    // Binary bodies are replayed as a whole.
    return isTimed && utf8Text(bytes) !== undefined
      ? { kind: 'bytes', bytes, pieces: this.#pieces }
      : { kind: 'bytes', bytes }
  }

  #addPiece(length: number, atMs: number): void {
    const last = this.#pieces.at(-1)
    if (length === 0 || this.#pieces.length > MAX_PIECES) return
    if (!last || atMs - last.atMs >= MIN_PIECE_INTERVAL_MS) this.#pieces.push({ atMs, length })
    else this.#pieces[this.#pieces.length - 1] = { atMs: last.atMs, length: last.length + length }
  }

  #grow(bytes: number): boolean {
    this.#size += bytes
    const missing = Math.max(0, this.#size - UNRESERVED_BODY_BYTES - this.#reserved)
    if (this.#size <= MAX_RECORDED_BODY_BYTES && this.#budget.reserve(missing)) {
      this.#reserved += missing
      return true
    }
    this.#isTooLarge = true
    this.close()
    return false
  }

  #addEvent(bytes: Buffer, atMs: number): void {
    if (bytes.length === 0 || this.#isTooLarge || !this.#grow(EVENT_OVERHEAD_BYTES)) return
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
