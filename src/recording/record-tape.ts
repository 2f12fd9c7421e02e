import type { RecordedBody, RecordedEvent } from './interaction.ts'
import { utf8Text } from './yaml-scalar.ts'

/** A body that is larger than this, in bytes, is passed on but not recorded: an endless stream must not fill the memory. */
export const largestRecordedBody = 64 * 1024 * 1024

/** What the blank line between two events may look like (the standard of server-sent events allows all line ends). */
const boundaries = ['\n\n', '\r\n\r\n', '\r\r'].map((text) => Buffer.from(text))
const longestBoundary = 4

/** Takes down a body as it goes by: a stream of events with the time of each, any other body as it is. */
export class RecordTape {
  readonly #isEventStream: boolean
  readonly #chunks: Buffer[] = []
  readonly #events: RecordedEvent[] = []
  #pending: Buffer[] = []
  #tail = Buffer.alloc(0)
  #length = 0
  #isText = true
  #hasError = false
  #isTerminated = false

  constructor(isEventStream: boolean) {
    this.#isEventStream = isEventStream
  }

  /** Whether the body is too large to be recorded. */
  get isTooLarge(): boolean {
    return this.#length > largestRecordedBody
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
    this.#length += chunk.length
    if (this.isTooLarge) {
      this.#chunks.length = 0
      this.#events.length = 0
      this.#pending = []
      return
    }
    this.#chunks.push(chunk)
    if (this.#isEventStream) this.#split(chunk, atMs)
  }

  /** The whole body, once nothing more comes. @param atMs from the start of the request */
  finish(atMs: number): RecordedBody {
    if (this.#isEventStream) this.#addEvent(Buffer.concat(this.#pending), atMs)
    this.#pending = []
    if (this.#isEventStream && this.#isText) return { kind: 'events', events: this.#events }
    return { kind: 'bytes', bytes: Buffer.concat(this.#chunks) }
  }

  #split(chunk: Buffer, atMs: number): void {
    let rest = chunk
    for (;;) {
      // A boundary may straddle two chunks.
      const searched = Buffer.concat([this.#tail, rest])
      const end = endOfEvent(searched) - this.#tail.length
      if (end < 0) {
        this.#pending.push(rest)
        this.#tail = searched.subarray(Math.max(0, searched.length - longestBoundary + 1))
        return
      }
      this.#addEvent(Buffer.concat([...this.#pending, rest.subarray(0, end)]), atMs)
      this.#pending = []
      this.#tail = Buffer.alloc(0)
      rest = rest.subarray(end)
      if (rest.length === 0) return
    }
  }

  #addEvent(bytes: Buffer, atMs: number): void {
    if (bytes.length === 0) return
    const text = utf8Text(bytes)
    if (text === undefined) this.#isText = false
    else {
      this.#events.push({ atMs, text })
      this.#hasError ||= isErrorEvent(text)
      this.#isTerminated ||= isTerminalEvent(text)
    }
  }
}

/** Where the first event ends, behind its boundary; -1 where none does. */
function endOfEvent(bytes: Buffer): number {
  let first = -1
  for (const boundary of boundaries) {
    const at = bytes.indexOf(boundary)
    if (at >= 0 && (first < 0 || at + boundary.length < first)) first = at + boundary.length
  }
  return first
}

/** The end of a stream of chat completions, of the Responses API, and of Anthropic's messages. */
function isTerminalEvent(text: string): boolean {
  return (
    /^data: ?\[DONE\]/m.test(text) ||
    /^event: ?(?:response\.(?:completed|incomplete|failed)|message_stop)\s*$/m.test(text)
  )
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
