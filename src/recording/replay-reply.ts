import { rateLimitHeaders } from '../openai/service-headers.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { HeaderList } from '../pipeline/header-list.ts'
import { textBody, type EventsBody, type Reply, type Schedule } from '../pipeline/reply.ts'
import type { ReplayAnswer } from './replay-answer.ts'

/** Makes the reply that sends a recorded answer at the pace at which it was recorded. */
export function replayReply(exchange: Exchange, answer: ReplayAnswer): Reply {
  const { status, reason, bytes, usage } = answer
  const headers = new HeaderList([...answer.headers])
  setRateLimits(exchange, headers)
  if (!bytes) headers.append('Transfer-Encoding', 'chunked')
  const schedule = scheduleOf(exchange, answer)
  return {
    status,
    ...(reason !== undefined && { reason }),
    headers,
    body: bytes ? textBody(bytes) : eventsBody(answer.events),
    ...(usage && { usage }),
    ...(schedule && { schedule }),
  }
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
function setRateLimits({ rateLimits, deployment, config }: Exchange, headers: HeaderList): void {
  if (!rateLimits || !deployment || config.deploymentsAreDefault) return
  const recorded = Array.from(headers, ([name]) => name).filter((name) => /^x-ratelimit-/i.test(name))
  for (const name of recorded) headers.delete(name)
  headers.raw.push(...rateLimitHeaders(rateLimits, deployment.name))
}
