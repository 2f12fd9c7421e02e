import { hopByHop } from '../pipeline/end-to-end-headers.ts'
import { hasNoBody } from '../pipeline/stream-events.ts'
import { isAscii } from 'node:buffer'
import type { Usage } from '../answer/completion.ts'
import { asBuffer } from '../lib/buffers.ts'
import { decodeBody, type DecodedBody, decodeBodyAsync } from '../lib/content-decoding.ts'
import {
  type BodyPiece,
  headerOf,
  type HeaderPairs,
  type RecordedEvent,
  type RecordedResponse,
} from './interaction.ts'
import { usageOfBody, usageOfEvents } from '../wire/read-usage.ts'
import { utf8Text } from './yaml-scalar.ts'
import { rateLimitHeaders, httpDate } from '../wire/service-headers.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { listedEvents, renderedBody, textBody, type WholeBody } from '../answer/body.ts'
import { HeaderList, type Reply, type Schedule } from '../pipeline/reply.ts'

/** A recorded answer, prepared for repeated replay. */
export interface ReplayAnswer {
  readonly status: number
  readonly reason: string | undefined
  /** Names and values alternate. Without the headers that depend on the connection. */
  readonly headers: readonly string[]
  /** `headers` without the headers of rate limits. */
  readonly headersWithoutLimits: readonly string[]
  readonly hasDate: boolean
  /** Whether the headers include Content-Length. Its value is set when the answer is sent. */
  readonly hasLength: boolean
  /** The bytes of the body; undefined for a stream. */
  readonly bytes: Buffer | undefined
  /** Whether `bytes` are ASCII. */
  readonly isAscii: boolean
  /** The events of a stream in order; empty for any other answer. */
  readonly events: readonly string[]
  /** When each event arrived, in ascending milliseconds; undefined if that was not recorded. */
  readonly eventsMs: Float64Array | undefined
  /** When the answer was complete; undefined if that was not recorded. */
  readonly durationMs: number | undefined
  readonly usage: Usage | undefined
  /** Approximate memory, in bytes. */
  readonly weight: number
}

/** Prepares the answer of a recording. */
export function prepareAnswer(response: RecordedResponse): ReplayAnswer {
  return prepareDecoded(response, (bytes) => decodeBody(bytes, codingsOf(response)))
}

/** Asynchronous `prepareAnswer`, which decompresses the body without blocking requests. */
export async function prepareAnswerAsync(response: RecordedResponse): Promise<ReplayAnswer> {
  const { body } = response
  if (body.kind === 'events') return prepareAnswer(response)
  const decoded = await decodeBodyAsync(asBuffer(body.bytes), codingsOf(response))
  return prepareDecoded(response, () => decoded)
}

function codingsOf({ headers }: RecordedResponse): string | undefined {
  return headerValues(headers, 'content-encoding')
}

function prepareDecoded(
  { status, headers, body, durationMs }: RecordedResponse,
  decode: (bytes: Buffer) => DecodedBody,
): ReplayAnswer {
  const common = { status: status.code, reason: validReason(status.message), durationMs }
  if (body.kind === 'events') {
    const replayed = withoutLength(replayHeaders(headers, false))
    return { ...common, ...headerFields(replayed), ...streamFields(body.events, durationMs) }
  }

  const { bytes, encoded } = decode(asBuffer(body.bytes))
  const replayed = replayHeaders(headers, encoded)
  const isStream = /^\s*text\/event-stream\b/i.test(headerOf(headers, 'content-type') ?? '')
  const text = isStream && !encoded ? utf8Text(bytes) : undefined
  const timed = encoded || body.pieces === undefined ? undefined : timedText(bytes, body.pieces)
  if (timed) {
    return {
      ...common,
      ...headerFields(withoutLength(replayed)),
      ...streamFields(timed, durationMs),
      usage: undefined,
    }
  }
  const events = text === undefined ? [] : splitEvents(text)
  if (events.length === 0) {
    const usage = isStream || encoded ? undefined : usageOfBody(bytes)
    const weight = bytes.length + replayed.join('').length
    const fields = { bytes, isAscii: isAscii(bytes), events, eventsMs: undefined, usage, weight }
    return { ...common, ...headerFields(replayed), ...fields }
  }
  return {
    ...common,
    ...headerFields(withoutLength(replayed)),
    bytes: undefined,
    isAscii: false,
    events,
    eventsMs: spreadEvenly(events.length, durationMs),
    usage: usageOfEvents(events),
    weight: 2 * bytes.length,
  }
}

function streamFields(
  recorded: readonly RecordedEvent[],
  durationMs: number | undefined,
): Pick<ReplayAnswer, 'bytes' | 'isAscii' | 'events' | 'eventsMs' | 'usage' | 'weight'> {
  const events = recorded.map(({ text }) => text)
  const eventsMs = new Float64Array(recorded.length)
  // In an edited file, times may not ascend. Such an event is sent together with the previous one.
  let lastMs = 0
  for (const [index, { atMs }] of recorded.entries()) eventsMs[index] = lastMs = Math.max(lastMs, atMs)
  const timed = lastMs > 0 || durationMs !== undefined
  const weight = 2 * events.join('').length
  return {
    bytes: undefined,
    isAscii: false,
    events,
    eventsMs: timed ? eventsMs : undefined,
    usage: usageOfEvents(events),
    weight,
  }
}

/** A text in the pieces in which it arrived; undefined if they do not fit, such as those of an edited recording. */
function timedText(bytes: Buffer, pieces: readonly BodyPiece[]): RecordedEvent[] | undefined {
  if (utf8Text(bytes) === undefined) return undefined
  if (pieces.reduce((sum, { length }) => sum + length, 0) !== bytes.length) return undefined
  const events: RecordedEvent[] = []
  let start = 0
  let end = 0
  for (const { atMs, length } of pieces) {
    end += length
    // A piece can end within a character, which is then sent with the next piece.
    let whole = end
    while (whole > start && whole < bytes.length && ((bytes[whole] ?? 0) & 0xc0) === 0x80) whole--
    if (whole <= start) continue
    events.push({ atMs, text: bytes.toString('utf8', start, whole) })
    start = whole
  }
  return events.length > 1 ? events : undefined
}

/** Distributes the events evenly if only the total duration is known. */
function spreadEvenly(count: number, durationMs: number | undefined): Float64Array | undefined {
  if (durationMs === undefined) return undefined
  return Float64Array.from({ length: count }, (_, index) => (durationMs * (index + 1)) / count)
}

/** Splits a stream after each empty line. The joined parts are equal to the text. */
function splitEvents(text: string): string[] {
  return text.match(/[^]+?(?:\r?\n\r?\n|\r\r|$)(?:\r?\n)*/g) ?? []
}

/** Response headers that are not replayed, because they belong to a connection. */
const unreplayedHeaders: ReadonlySet<string> = new Set(hopByHop)

const validName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

function replayHeaders(headers: HeaderPairs, encoded: boolean): string[] {
  let hasLength = false
  return headers.flatMap(([name, value]) => {
    const lower = name.toLowerCase()
    if (lower === 'content-length') {
      if (hasLength) return []
      hasLength = true
    }
    if (unreplayedHeaders.has(lower) || !validName.test(name)) return []
    if (lower === 'content-encoding' && !encoded) return []
    return [name, headerValue(value)]
  })
}

/** The length of a stream is not sent. */
function withoutLength(headers: readonly string[]): string[] {
  return headers.filter((_, index) => headers[index - (index % 2)]?.toLowerCase() !== 'content-length')
}

function headerFields(
  headers: readonly string[],
): Pick<ReplayAnswer, 'headers' | 'headersWithoutLimits' | 'hasDate' | 'hasLength'> {
  const isLimitHeader = (index: number): boolean => /^x-ratelimit-/i.test(headers[index - (index % 2)] ?? '')
  return {
    headers,
    headersWithoutLimits: headers.filter((_, index) => !isLimitHeader(index)),
    hasDate: hasHeader(headers, 'date'),
    hasLength: hasHeader(headers, 'content-length'),
  }
}

function hasHeader(headers: readonly string[], wanted: string): boolean {
  return headers.some((name, index) => index % 2 === 0 && name.toLowerCase() === wanted)
}

/** Node.js rejects invalid header values. Converts text outside of Latin-1 to its UTF-8 bytes, and removes control characters. */
function headerValue(value: string): string {
  const text = /[^\p{ASCII}\x80-\xff]/u.test(value) ? Buffer.from(value).toString('latin1') : value
  // \p{Cc} includes the control characters of ASCII and Latin-1. A header may contain tabs and those of Latin-1.
  return text.replace(/(?![\t\x80-\xff])\p{Cc}+/gu, ' ').replace(/^[ \t]+|[ \t]+$/g, '')
}

function validReason(message: string | undefined): string | undefined {
  return message !== undefined && /^[\t\x20-\x7e\x80-\xff]+$/.test(message) ? message : undefined
}

function headerValues(headers: HeaderPairs, name: string): string | undefined {
  const values = headers.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value)
  return values.length === 0 ? undefined : values.join(',')
}

/** Creates the reply that sends a recorded answer with the recorded timing. */
export function replayReply(exchange: Exchange, answer: ReplayAnswer): Reply {
  const { status, reason, bytes, usage } = answer
  const headers = new HeaderList(headersOf(exchange, answer))
  if (!bytes) headers.append('Transfer-Encoding', 'chunked')
  // Recordings often lack the date, but an answer always has one.
  if (!answer.hasDate) headers.append('Date', httpDate(exchange.clock.epochMs()))
  const schedule = scheduleOf(exchange, answer)
  return {
    status,
    ...(reason !== undefined && { reason }),
    headers,
    body: bytes ? wholeBody(bytes, answer.isAscii) : listedEvents(answer.events),
    ...(usage && { usage }),
    ...(schedule && { schedule }),
  }
}

/** A text is sent in one write with its headers, bytes are not. */
function wholeBody(bytes: Buffer, isAscii: boolean): WholeBody {
  return isAscii ? renderedBody(() => bytes.toString('latin1'), true) : textBody(bytes)
}

/** Recorded times count from the start of a request. The wait for a slot is added. */
function scheduleOf(
  exchange: Exchange,
  { events, eventsMs, durationMs }: ReplayAnswer,
): Schedule | undefined {
  const { timeScale } = exchange.config.latency
  if (timeScale === 0) return undefined
  const scaled = (ms: number): number => exchange.queuedMs + ms * timeScale
  if (eventsMs) {
    const stepsMs = eventsMs.map(scaled)
    return { stepsMs, endMs: Math.max(stepsMs.at(-1) ?? 0, scaled(durationMs ?? 0)) }
  }
  if (durationMs !== undefined && events.length === 0) {
    return { stepsMs: new Float64Array(), endMs: scaled(durationMs) }
  }
  // Due immediately. Without a schedule, the answer would get the latency of a generated one.
  return { stepsMs: new Float64Array(), endMs: exchange.clock.nowMs() - exchange.startedMs }
}

/**
 * Replaces the recorded rate-limit headers, which are outdated, by those of the deployment. For the default deployments, which the
 * operator did not configure, the recorded headers are sent unchanged.
 */
function headersOf(
  { rateLimits, deployment, config, method }: Exchange,
  { status, bytes, headers, headersWithoutLimits, hasLength }: ReplayAnswer,
): string[] {
  // Content-Length is first, as in answers of the service, if its position was not recorded. The value is set later.
  const isBodiless = status !== 205 && hasNoBody(method, status)
  const start = bytes && !hasLength && !isBodiless ? ['Content-Length', ''] : []
  if (!rateLimits || !deployment || config.deploymentsAreDefault) return [...start, ...headers]
  return [...start, ...headersWithoutLimits, ...rateLimitHeaders(rateLimits, deployment.name)]
}
