import type { IncomingHttpHeaders } from 'node:http'
import { EventSplitter, readEvent } from '../lib/server-sent-events.ts'

/** Outcome of a request. Times are in milliseconds. */
export interface RequestOutcome {
  readonly kind: 'ok' | 'limited' | 'failed'
  /** Failures: the group in the report, such as `500` or `interrupted stream`. */
  readonly reason: string
  /** Failures: the error message of the service or of the connection. */
  readonly detail: string
  /** Value of `retry-after-ms` or `retry-after`. */
  readonly retryAfterMs: number | undefined
  /** From the due time to the end of the answer. */
  readonly wholeMs: number
  /** From the due time to the first text of a stream. */
  readonly firstTokenMs: number | undefined
  /** Time from the first to the last text of a stream, per token after the first. */
  readonly tokenMs: number | undefined
  readonly usage: Usage | undefined
  /** From the `usage` of the answer, or else the number of events with text. */
  readonly outputTokens: number
}

/** Failure groups of closed connections. */
const lostReason = { stream: 'interrupted stream', whole: 'lost connection' } as const

/**
 * Measures one request. Times start when the request was due, not when it was sent: users also wait for a free connection.
 * Otherwise slow answers would delay requests without a trace in the results (coordinated omission).
 */
export class SentRequest {
  readonly dueMs: number
  readonly #isStream: boolean
  /** Called with the time between two texts of a stream. */
  readonly #onGap: (gapMs: number) => void
  #reader: AnswerReader
  #status = 0
  #retryAfterMs: number | undefined
  #firstMs: number | undefined
  #lastMs: number | undefined

  /** @param dueMs on the same scale as all other times, in milliseconds */
  constructor(dueMs: number, isStream: boolean, onGap: (gapMs: number) => void) {
    this.dueMs = dueMs
    this.#isStream = isStream
    this.#onGap = onGap
    this.#reader = createWholeReader()
  }

  takeHead(status: number, headers: IncomingHttpHeaders): void {
    this.#status = status
    this.#retryAfterMs = readRetryAfter(headers)
    // Errors are not streamed, and some gateways stream nothing.
    if (headers['content-type']?.startsWith('text/event-stream')) this.#reader = createStreamReader()
  }

  takeBody(chunk: Buffer, nowMs: number): void {
    const events = this.#reader.take(chunk)
    if (events === 0) return
    this.#firstMs ??= nowMs
    if (this.#lastMs !== undefined) this.#onGap(nowMs - this.#lastMs)
    // Further events of the same chunk arrived at the same time.
    for (let event = 1; event < events; event++) this.#onGap(0)
    this.#lastMs = nowMs
  }

  /** Returns the outcome of a complete answer. */
  end(nowMs: number): RequestOutcome {
    const { errorMessage, isLimited, isComplete } = this.#reader.reading()
    if (this.#status === 429 || isLimited) return this.#outcome('limited', '429', errorMessage ?? '', nowMs)
    if (this.#status < 200 || this.#status > 299) {
      return this.#outcome('failed', String(this.#status), errorMessage ?? '', nowMs)
    }
    if (errorMessage !== undefined) return this.#outcome('failed', 'error in stream', errorMessage, nowMs)
    if (!isComplete)
      return this.#outcome('failed', lostReason.stream, 'the stream ended without its last event', nowMs)
    return this.#outcome('ok', '', '', nowMs)
  }

  /** Returns the outcome after the connection closed. */
  break(detail: string, nowMs: number): RequestOutcome {
    const isCut = this.#isStream && this.#status === 200
    return this.#outcome('failed', isCut ? lostReason.stream : lostReason.whole, detail, nowMs)
  }

  #outcome(kind: RequestOutcome['kind'], reason: string, detail: string, nowMs: number): RequestOutcome {
    const { usage, tokenEvents } = this.#reader.reading()
    const outputTokens = usage?.outputTokens ?? tokenEvents
    const streamMs = (this.#lastMs ?? 0) - (this.#firstMs ?? 0)
    return {
      kind,
      reason,
      detail,
      retryAfterMs: this.#retryAfterMs,
      wholeMs: nowMs - this.dueMs,
      firstTokenMs: this.#firstMs === undefined ? undefined : this.#firstMs - this.dueMs,
      tokenMs: tokenEvents > 1 && outputTokens > 1 ? streamMs / (outputTokens - 1) : undefined,
      usage,
      outputTokens,
    }
  }
}

/** Milliseconds take precedence, as in the official clients. Dates are not supported: the service never sends them. */
function readRetryAfter(headers: IncomingHttpHeaders): number | undefined {
  const ms = Number.parseFloat(String(headers['retry-after-ms']))
  if (Number.isFinite(ms)) return ms
  const seconds = Number.parseFloat(String(headers['retry-after']))
  return Number.isFinite(seconds) ? seconds * 1_000 : undefined
}

/** Tokens that the service bills. */
export interface Usage {
  readonly promptTokens: number
  readonly outputTokens: number
}

/** Contents of a body, except for its text. */
interface AnswerReading {
  readonly usage: Usage | undefined
  /** Number of events with text. 0 for a whole answer. */
  readonly tokenEvents: number
  /** Whether the body is complete. A stream needs its last event. */
  readonly isComplete: boolean
  /** The message of an error in the body or the stream. */
  readonly errorMessage: string | undefined
  /** Whether the stream failed because of a limit: streamed responses that exceed one have the status 200. */
  readonly isLimited: boolean
}

/** Reads a body in parts. */
interface AnswerReader {
  /** Takes the next part. Returns the number of events with text that it completed. */
  take(chunk: Buffer): number
  /** Returns what was read so far. */
  reading(): AnswerReading
}

/** Reads a body that is one JSON value. */
export function createWholeReader(): AnswerReader {
  const chunks: Buffer[] = []
  return {
    take(chunk) {
      chunks.push(chunk)
      return 0
    },
    reading() {
      const { error, usage } = parseObject(Buffer.concat(chunks).toString())
      return {
        usage: readUsage(usage),
        tokenEvents: 0,
        isComplete: true,
        errorMessage: messageOf(error),
        isLimited: false,
      }
    },
  }
}

/** Reads a stream of chat completions, completions or responses. */
export function createStreamReader(): AnswerReader {
  const splitter = new EventSplitter()
  let usage: Usage | undefined
  let tokenEvents = 0
  let isComplete = false
  let errorMessage: string | undefined
  let isLimited = false
  const read = (bytes: Buffer): void => {
    const { data } = readEvent(bytes.toString())
    if (data === undefined) return
    if (data.trimEnd() === '[DONE]') {
      isComplete = true
      return
    }
    const event = parseObject(data)
    const response = asObject(event['response'])
    usage = readUsage(event['usage'] ?? response['usage']) ?? usage
    const type = event['type']
    const error = event['error'] ?? response['error'] ?? (type === 'error' ? event : undefined)
    errorMessage = messageOf(error) ?? errorMessage ?? (type === 'error' ? 'an error event' : undefined)
    isLimited ||= isLimitError(error)
    if (type === 'response.completed' || type === 'response.incomplete') isComplete = true
    if (hasText(event)) tokenEvents += 1
  }
  return {
    take(chunk) {
      const before = tokenEvents
      for (const event of splitter.push(chunk)) read(event)
      return tokenEvents - before
    },
    reading() {
      // The last event may lack its blank line.
      read(splitter.rest())
      return { usage, tokenEvents, isComplete, errorMessage, isLimited }
    },
  }
}

const limitCodes: ReadonlySet<unknown> = new Set([
  'too_many_requests',
  'rate_limit_exceeded',
  'rate_limit_reached',
  'no_capacity',
  '429',
])

/** Azure and OpenAI name a limit in the type or the code of an error. */
function isLimitError(error: unknown): boolean {
  const { type, code } = asObject(error)
  return limitCodes.has(type) || limitCodes.has(code)
}

/** The first chunk of a chat has a role and an empty text. Chunks with filter results or usage have no choices. */
function hasText(event: JsonObject): boolean {
  if (event['type'] === 'response.output_text.delta') return event['delta'] !== ''
  const { choices } = event
  return (
    Array.isArray(choices) &&
    choices.some((choice: unknown) => {
      const { text, delta } = asObject(choice)
      return isText(text) || isText(asObject(delta)['content'])
    })
  )
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

type JsonObject = Readonly<Record<string, unknown>>

function parseObject(text: string): JsonObject {
  try {
    return asObject(JSON.parse(text))
  } catch {
    return {}
  }
}

function asObject(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null ? (value as JsonObject) : {}
}

/** The Responses API has different names for the two numbers. */
function readUsage(value: unknown): Usage | undefined {
  const usage = asObject(value)
  const promptTokens = usage['prompt_tokens'] ?? usage['input_tokens']
  const outputTokens = usage['completion_tokens'] ?? usage['output_tokens'] ?? 0
  return typeof promptTokens === 'number' && typeof outputTokens === 'number'
    ? { promptTokens, outputTokens }
    : undefined
}

function messageOf(error: unknown): string | undefined {
  const { message } = asObject(error)
  return typeof message === 'string' ? message : undefined
}
