import { EventSplitter } from '../pipeline/event-splitter.ts'
import type { RecordedBody, RecordedEvent } from './interaction.ts'
import { utf8Text } from './yaml-scalar.ts'

/** A body that is larger than this, in bytes, is passed on but not recorded: an endless stream must not fill the memory. */
export const largestRecordedBody = 64 * 1024 * 1024

/** Takes down a body as it goes by: a stream of events with the time of each, any other body as it is. */
export class RecordTape {
  readonly #isEventStream: boolean
  readonly #chunks: Buffer[] = []
  readonly #events: RecordedEvent[] = []
  #splitter = new EventSplitter()
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
      this.#splitter = new EventSplitter()
      return
    }
    this.#chunks.push(chunk)
    if (!this.#isEventStream) return
    for (const event of this.#splitter.push(chunk)) this.#addEvent(event, atMs)
  }

  /** The whole body, once nothing more comes. @param atMs from the start of the request */
  finish(atMs: number): RecordedBody {
    if (this.#isEventStream) this.#addEvent(this.#splitter.rest(), atMs)
    if (this.#isEventStream && this.#isText) return { kind: 'events', events: this.#events }
    return { kind: 'bytes', bytes: Buffer.concat(this.#chunks) }
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
