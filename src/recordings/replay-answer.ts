import { hopByHop } from '../pipeline/end-to-end-headers.ts'
import { isAscii } from 'node:buffer'
import type { Usage } from '../answer/completion.ts'
import { asBuffer } from '../lib/buffers.ts'
import { decodeBody, type DecodedBody, decodeBodyAsync } from '../lib/content-decoding.ts'
import { headerOf, type HeaderPairs, type RecordedEvent, type RecordedResponse } from './interaction.ts'
import { usageOfBody, usageOfEvents } from '../wire/read-usage.ts'
import { utf8Text } from './yaml-scalar.ts'
import { rateLimitHeaders, httpDate } from '../wire/service-headers.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { renderedBody, textBody, type EventsBody, type WholeBody } from '../answer/body.ts'
import { HeaderList, type Reply, type Schedule } from '../pipeline/reply.ts'

/** A recorded answer, ready to be sent again and again. */
export interface ReplayAnswer {
  readonly status: number
  readonly reason: string | undefined
  /** Names and values in turn, without those that the sending decides. */
  readonly headers: readonly string[]
  /** The same without the figures of rate limits. */
  readonly headersBesideLimits: readonly string[]
  readonly hasDate: boolean
  /** The bytes of a whole answer; undefined for a stream. */
  readonly bytes: Buffer | undefined
  /** Whether these are ASCII. */
  readonly isAscii: boolean
  /** The events of a stream, in the order in which they came; empty for a whole answer. */
  readonly events: readonly string[]
  /** When each event came, ascending, in milliseconds; undefined where only the end is known, or nothing. */
  readonly eventsMs: Float64Array | undefined
  /** When the answer was complete; undefined where that was not recorded. */
  readonly durationMs: number | undefined
  readonly usage: Usage | undefined
  /** Roughly what it takes in memory, in bytes. */
  readonly weight: number
}

/** Makes the answer of a recording. */
export function prepareAnswer(response: RecordedResponse): ReplayAnswer {
  return prepareDecoded(response, (bytes) => decodeBody(bytes, codingsOf(response)))
}

/** Does the same, and unpacks its body without holding up others. */
export async function prepareAnswerLater(response: RecordedResponse): Promise<ReplayAnswer> {
  const { body } = response
  if (body.kind === 'events') return prepareAnswer(response)
  const decoded = await decodeBodyAsync(asBuffer(body.bytes), codingsOf(response))
  return prepareDecoded(response, () => decoded)
}

function codingsOf({ headers }: RecordedResponse): string | undefined {
  return joined(headers, 'content-encoding')
}

function prepareDecoded(
  { status, headers, body, durationMs }: RecordedResponse,
  decode: (bytes: Buffer) => DecodedBody,
): ReplayAnswer {
  const same = { status: status.code, reason: validReason(status.message), durationMs }
  if (body.kind === 'events') {
    const kept = replayHeaders(headers, false)
    return { ...same, ...headerFacts(kept), ...streamed(body.events, durationMs) }
  }

  const { bytes, encoded } = decode(asBuffer(body.bytes))
  const kept = replayHeaders(headers, encoded)
  const isStream = /^\s*text\/event-stream\b/i.test(headerOf(headers, 'content-type') ?? '')
  const text = isStream && !encoded ? utf8Text(bytes) : undefined
  const events = text === undefined ? [] : splitEvents(text)
  if (events.length === 0) {
    const usage = isStream || encoded ? undefined : usageOfBody(bytes)
    const weight = bytes.length + kept.join('').length
    const whole = { bytes, isAscii: isAscii(bytes), events, eventsMs: undefined, usage, weight }
    return { ...same, ...headerFacts(kept), ...whole }
  }
  return {
    ...same,
    ...headerFacts(kept),
    bytes: undefined,
    isAscii: false,
    events,
    eventsMs: spread(events.length, durationMs),
    usage: usageOfEvents(events),
    weight: 2 * bytes.length,
  }
}

function streamed(
  recorded: readonly RecordedEvent[],
  durationMs: number | undefined,
): Pick<ReplayAnswer, 'bytes' | 'isAscii' | 'events' | 'eventsMs' | 'usage' | 'weight'> {
  const events = recorded.map(({ text }) => text)
  const eventsMs = new Float64Array(recorded.length)
  // Hands that edit a file may put an event before its time; it then comes with the one before it.
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

/** A stream of which only the whole time is known comes evenly. */
function spread(count: number, durationMs: number | undefined): Float64Array | undefined {
  if (durationMs === undefined) return undefined
  return Float64Array.from({ length: count }, (_, index) => (durationMs * (index + 1)) / count)
}

/** Cuts a stream behind each empty line; joined, the parts are the whole again. */
function splitEvents(text: string): string[] {
  return text.match(/[^]+?(?:\r?\n\r?\n|\r\r|$)(?:\r?\n)*/g) ?? []
}

/** Response headers that are not replayed: they belong to a connection, or are computed from the body. */
const notReplayed: ReadonlySet<string> = new Set([...hopByHop, 'content-length'])

const validName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

function replayHeaders(headers: HeaderPairs, encoded: boolean): string[] {
  return headers.flatMap(([name, value]) => {
    const lower = name.toLowerCase()
    if (notReplayed.has(lower) || !validName.test(name)) return []
    if (lower === 'content-encoding' && !encoded) return []
    return [name, headerValue(value)]
  })
}

function headerFacts(
  headers: readonly string[],
): Pick<ReplayAnswer, 'headers' | 'headersBesideLimits' | 'hasDate'> {
  const isOfLimits = (index: number): boolean => /^x-ratelimit-/i.test(headers[index - (index % 2)] ?? '')
  return {
    headers,
    headersBesideLimits: headers.filter((_, index) => !isOfLimits(index)),
    hasDate: headers.some((name, index) => index % 2 === 0 && name.toLowerCase() === 'date'),
  }
}

/** Node refuses what no header can carry: text beyond Latin-1 goes out as the bytes of its UTF-8, control signs not at all. */
function headerValue(value: string): string {
  const text = /[^\p{ASCII}\x80-\xff]/u.test(value) ? Buffer.from(value).toString('latin1') : value
  // Of the control signs of ASCII, which \p{Cc} holds with those of Latin-1, a tab alone may stand in a header.
  return text.replace(/(?![\t\x80-\xff])\p{Cc}+/gu, ' ').trim()
}

function validReason(message: string | undefined): string | undefined {
  return message !== undefined && /^[\x20-\x7e]+$/.test(message) ? message : undefined
}

function joined(headers: HeaderPairs, name: string): string | undefined {
  const values = headers.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value)
  return values.length === 0 ? undefined : values.join(',')
}

/** Makes the reply that sends a recorded answer at the pace at which it was recorded. */
export function replayReply(exchange: Exchange, answer: ReplayAnswer): Reply {
  const { status, reason, bytes, usage } = answer
  const headers = new HeaderList(headersOf(exchange, answer))
  if (!bytes) headers.append('Transfer-Encoding', 'chunked')
  // Recordings are often cleaned of it; an answer always has one.
  if (!answer.hasDate) headers.append('Date', httpDate(exchange.clock.epochMs()))
  const schedule = scheduleOf(exchange, answer)
  return {
    status,
    ...(reason !== undefined && { reason }),
    headers,
    body: bytes ? wholeBody(bytes, answer.isAscii) : eventsBody(answer.events),
    ...(usage && { usage }),
    ...(schedule && { schedule }),
  }
}

/** A text goes out in one piece with its headers, bytes do not. */
function wholeBody(bytes: Buffer, isAscii: boolean): WholeBody {
  return isAscii ? renderedBody(() => bytes.toString('latin1'), true) : textBody(bytes)
}

function eventsBody(events: readonly string[]): EventsBody {
  return {
    kind: 'events',
    count: events.length,
    stepOf: (index) => index,
    render: (index) => events[index] ?? '',
  }
}

/** Times were recorded from the start of a request; the wait for a slot comes on top. */
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
  // Due now. Without a schedule of its own it would be given the time of a generated answer.
  return { stepsMs: new Float64Array(), endMs: exchange.clock.nowMs() - exchange.startedMs }
}

/**
 * A deployment that the operator gave limits tells its own figures, for clients that watch them; those of the recording are
 * long past. For the default set nobody asked, and there the recording stays as it is.
 */
function headersOf(
  { rateLimits, deployment, config }: Exchange,
  { bytes, headers, headersBesideLimits }: ReplayAnswer,
): string[] {
  // A length comes first, as in answers of the service; an empty value keeps its place.
  const start = bytes ? ['Content-Length', ''] : []
  if (!rateLimits || !deployment || config.deploymentsAreDefault) return [...start, ...headers]
  return [...start, ...headersBesideLimits, ...rateLimitHeaders(rateLimits, deployment.name)]
}
