import type { ChunkFilter } from '../answer/pushed-chunks.ts'
import { asBuffer } from '../lib/buffers.ts'
import { reasonOf } from '../lib/error-text.ts'
import { EventSplitter } from '../lib/server-sent-events.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { ReportedFailure, type Reply } from '../pipeline/reply.ts'
import { isEventStream } from '../pipeline/stream-events.ts'
import { answerForms } from '../wire/answer-forms.ts'
import { apiFormOf } from '../wire/conversion.ts'
import { wireFormatOf } from '../wire/envelopes.ts'
import { usageOfEvents } from '../wire/read-usage.ts'
import { isTerminalEvent } from '../wire/sse.ts'
import { statusOf } from './convert-error.ts'
import { ClientDisconnected, UpstreamFailure, upstreamError } from './upstream-failure.ts'

/** Called with the reason when a live body fails before its end. */
export type OnBodyFailure = (why: string) => void

/** Streams with a larger event, in bytes, are passed on without further inspection. */
const MAX_INSPECTED_EVENT_BYTES = 64 * 1024 * 1024

const LINE_FEED = 0x0a
const OPENING_BRACE = 0x7b
const usageField = Buffer.from('"usage"')

/** Events with a token, by API. Roles, filter results of the prompt and the start of an answer have none. */
const tokenEvents = {
  chat: /"(?:content|text|refusal|reasoning|reasoning_content|arguments)"\s*:\s*"[^"]|"tool_calls"\s*:\s*\[\s*\{/,
  responses: /\.delta"/,
  messages: /"content_block_delta"/,
}

/** A member that events with an error have. A quote in a text of the model has a backslash in front of it. */
const errorField = /"error"|"response\.failed"/

/** Notes a failure within a stream, for metrics, journal and log. */
export function noteFailure(exchange: Exchange, reply: Reply, code: string | null, status: number): void {
  reply.streamErrorStatus ??= status
  if (exchange.upstreamCall) exchange.upstreamCall.answerCode ??= code ?? undefined
}

/**
 * Passes on a live body, a stream event by event. If a stream fails, sends an error event in the wire format of the request, which
 * the official clients raise as an error, and closes the connection. An incomplete event is dropped, because a client could not
 * parse it. After its terminal event, a stream ends normally. Sets usage and the time of the first token of the reply.
 *
 * Chunks that end with an event, as nearly all do, are passed on without being split or decoded.
 */
export class StreamWatch implements ChunkFilter {
  readonly #exchange: Exchange
  readonly #reply: Reply
  readonly #onBodyFailure: OnBodyFailure
  readonly #form: keyof typeof tokenEvents
  #splitter: EventSplitter | undefined
  /** Events with data so far. Counted only in the Responses API, which numbers events. */
  #events = 0
  #firstEvent = ''
  #hasToken = false
  /** The latest complete events, which can be the terminal ones. */
  #last: Buffer | undefined
  #beforeLast: Buffer | undefined
  /** Events that contain the latest usage. */
  #usageEvents: Buffer | undefined

  constructor(exchange: Exchange, reply: Reply, onBodyFailure: OnBodyFailure) {
    this.#exchange = exchange
    this.#reply = reply
    this.#onBodyFailure = onBodyFailure
    this.#form = apiFormOf(exchange.route?.operation) ?? 'chat'
    if (isEventStream(reply.headers)) this.#splitter = new EventSplitter()
  }

  push(chunk: Uint8Array): Uint8Array | undefined {
    const splitter = this.#splitter
    if (!splitter) return chunk
    const bytes = asBuffer(chunk)
    if (splitter.pendingBytes === 0 && endsWithEvent(bytes)) {
      this.#inspect(bytes)
      return bytes
    }
    const complete = splitter.push(bytes)
    for (const event of complete) this.#inspect(event)
    if (splitter.pendingBytes > MAX_INSPECTED_EVENT_BYTES) {
      complete.push(splitter.rest())
      this.#splitter = undefined
    }
    return complete.length > 1 ? Buffer.concat(complete) : complete[0]
  }

  end(): Uint8Array | undefined {
    this.#setUsage()
    const rest = this.#splitter?.rest()
    if (rest && rest.length > 0) this.#inspect(rest)
    this.#noteError()
    return rest
  }

  fail(error: unknown): { readonly bytes?: Uint8Array | undefined; readonly error?: unknown } {
    this.#setUsage()
    if (error instanceof ClientDisconnected || this.#exchange.ended) return { error }
    this.#noteError()
    if (this.#isTerminated) return {}
    this.#onBodyFailure(reasonOf(error))
    const failure = { error: new ReportedFailure(error) }
    if (!this.#splitter || !(error instanceof UpstreamFailure)) return failure
    this.#reply.streamErrorStatus = upstreamError(error).status
    const format = wireFormatOf(this.#exchange.route?.operation)
    const events = format.writeErrorEvents(upstreamError(error), this.#events, this.#firstEvent)
    return { ...failure, bytes: Buffer.from(events.join('')) }
  }

  /** @param bytes complete events */
  #inspect(bytes: Buffer): void {
    this.#beforeLast = this.#last
    this.#last = bytes
    if (hasUsage(bytes)) this.#usageEvents = bytes
    if (this.#firstEvent === '' || this.#form === 'responses') this.#countEvents(bytes)
    if (!this.#hasToken && tokenEvents[this.#form].test(bytes.toString())) {
      this.#hasToken = true
      const { clock, startedMs } = this.#exchange
      this.#reply.firstTokenMs = clock.nowMs() - startedMs
    }
  }

  #countEvents(bytes: Buffer): void {
    for (const event of new EventSplitter().push(bytes)) {
      if (!/^data:/m.test(event.toString())) continue
      if (this.#events++ === 0) this.#firstEvent = event.toString()
    }
  }

  get #isTerminated(): boolean {
    return [this.#beforeLast, this.#last].some((bytes) => bytes && isTerminalEvent(bytes.toString()))
  }

  /** Notes an error that the upstream reports at the end of the stream. */
  #noteError(): void {
    const reader = answerForms[this.#form].createReader()
    for (const bytes of [this.#beforeLast, this.#last]) {
      if (!bytes || !errorField.test(bytes.toString())) continue
      const splitter = new EventSplitter()
      for (const frame of [...splitter.push(bytes), splitter.rest()]) {
        for (const event of reader.push(frame.toString())) {
          if (event.kind !== 'error' || event.error.code === 'invalid_answer') continue
          noteFailure(this.#exchange, this.#reply, event.error.code, statusOf(event.error))
        }
      }
    }
  }

  #setUsage(): void {
    if (this.#reply.usage || !this.#usageEvents) return
    const events = new EventSplitter().push(this.#usageEvents).map(String)
    // The first event of Anthropic Messages has the tokens of the prompt.
    const usage = usageOfEvents([this.#firstEvent, ...events])
    if (usage) this.#reply.usage = usage
  }
}

/** Whether a chunk ends with a blank line, and so with an event. Streams with other line ends are split. */
function endsWithEvent(bytes: Buffer): boolean {
  const { length } = bytes
  return bytes[length - 1] === LINE_FEED && bytes[length - 2] === LINE_FEED
}

/** Whether events contain an object `usage`. Most chunks of a chat stream have `"usage":null`. */
function hasUsage(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(usageField); at >= 0; at = bytes.indexOf(usageField, at + 1)) {
    let next = at + usageField.length
    while (isSpaceOrColon(bytes[next])) next++
    if (bytes[next] === OPENING_BRACE) return true
  }
  return false
}

function isSpaceOrColon(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x3a || byte === 0x09
}
