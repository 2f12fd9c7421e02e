import { rateLimitHeaders } from '../wire/service-headers.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { httpDate } from '../lib/http-date.ts'
import { HeaderList } from '../pipeline/header-list.ts'
import { renderedBody, textBody, type EventsBody, type WholeBody } from '../answer/body.ts'
import { type Reply, type Schedule } from '../pipeline/reply.ts'
import type { ReplayAnswer } from './replay-answer.ts'

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
