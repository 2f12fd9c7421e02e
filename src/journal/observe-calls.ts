import { isStream } from '../pipeline/stream-events.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { type Stage, mapMaybe } from '../pipeline/stage.ts'
import { deploymentOf } from '../pipeline/source-rules.ts'
import { outcomeStatus, type Reply, type HeaderList } from '../pipeline/reply.ts'
import { upstreamRequestIdOf } from '../pipeline/upstream-call.ts'
import type { JournalSink } from './journal-sink.ts'
import { clientName } from './request-fingerprint.ts'
import type { ServiceTiers } from '../wire/service-tier.ts'
import { parseRetryAfter, parseRetryAfterMs } from '../wire/service-headers.ts'

/**
 * Creates the stage that reports requests to the journal: when an answer is planned, and when it has been sent. It must be the
 * outermost stage.
 *
 * @param testHeader name, in lower case, of the header in which requests name their test
 */
export function observeCalls(sink: JournalSink, testHeader: string): Stage {
  return function observe(exchange, next) {
    return mapMaybe(next(), (reply) => {
      record(exchange, reply, sink, testHeader)
      return reply
    })
  }
}

function record(exchange: Exchange, reply: Reply, sink: JournalSink, testHeader: string): void {
  const plannedMs = exchange.clock.nowMs()
  const { startedMs, body, route, clock, resource, config, upstreamCall } = exchange
  const lease = sink.started(
    {
      startedMs,
      requestId: exchange.id,
      method: exchange.method,
      path: exchange.path,
      query: exchange.query,
      headers: exchange.headers,
      body,
      bodyBytes: body.length,
      operation: route?.operation,
      resource,
      resourceId: config.id === resource ? undefined : config.id,
      deployment: deploymentOf(exchange) ?? route?.deploymentName,
      spilledOverFrom: exchange.spilledOverFrom,
      ...(upstreamCall && {
        upstream: upstreamCall.upstream,
        upstreamRequestId: upstreamRequestIdOf(upstreamCall),
      }),
      client: clientName(exchange, testHeader),
      caller: exchange.caller,
      refusal: exchange.refusal,
      status: reply.status,
      streamErrorStatus: reply.streamErrorStatus,
      limitedBy: reply.limitedBy,
      serviceTier: tiersOf(exchange, reply),
      retryAfterMs: outcomeStatus(reply) < 400 ? undefined : readRetryAfterMs(reply.headers, clock.epochMs()),
      streamed: isStream(reply),
      usage: reply.usage,
      attempt: attemptOf(exchange),
    },
    plannedMs,
  )
  exchange.onEnd(({ aborted, firstByteMs, endMs }) => {
    const isWholeBody = reply.body.kind === 'whole' && !reply.interruption
    const answeredMs = isWholeBody ? (firstByteMs ?? endMs) : endMs
    sink.ended(lease, {
      usage: reply.usage,
      streamErrorStatus: reply.streamErrorStatus,
      firstByteMs,
      durationMs: endMs,
      answeredAtMs: startedMs + answeredMs,
      aborted,
      failure: failureOf(reply),
    })
  })
}

function tiersOf(
  { requestedTier: requested }: Exchange,
  { serviceTier: served }: Reply,
): ServiceTiers | undefined {
  return requested === undefined ? undefined : { requested, served }
}

/** Official OpenAI clients count their attempts in this header. 0 is the first one. */
function attemptOf({ headers }: Exchange): number | undefined {
  const count = headers['x-stainless-retry-count']
  return typeof count === 'string' && /^\d{1,2}$/.test(count) ? Number(count) : undefined
}

/** Returns the status of a failed answer, or of the error in its stream, or `cut`. Undefined for success. */
export function failureOf(reply: Reply): string | undefined {
  const { interruption } = reply
  if (interruption && typeof interruption.how !== 'number') return 'cut'
  const status = outcomeStatus(reply)
  return status >= 400 ? String(status) : undefined
}

/**
 * The wait that the headers of an answer ask for, in milliseconds >= 0. Undefined without a valid header.
 *
 * `retry-after-ms` is exact. `retry-after` is the same wait in whole seconds, rounded up, or a date. Clients read one or the
 * other, so the shorter wait applies.
 *
 * @param epochMs time of the answer, to evaluate a `retry-after` date
 */
export function readRetryAfterMs(headers: HeaderList, epochMs: number): number | undefined {
  const waits = [
    parseRetryAfterMs(headers.get('retry-after-ms')),
    parseRetryAfter(headers.get('retry-after'), epochMs),
  ].filter((waitMs) => waitMs !== undefined)
  return waits.length === 0 ? undefined : Math.min(...waits)
}
