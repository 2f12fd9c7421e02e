import { isStream } from '../pipeline/stream-events.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { type Stage, mapMaybe } from '../pipeline/stage.ts'
import type { Reply, HeaderList } from '../pipeline/reply.ts'
import type { JournalSink } from './journal-sink.ts'
import { clientName } from './request-fingerprint.ts'
import { parseRetryAfter, parseRetryAfterMs } from '../wire/service-headers.ts'

/**
 * Makes the stage that tells a journal of requests. It stands outermost, and tells when an answer is planned and again when it
 * has been sent.
 *
 * @param testHeader the header, in lower case, by which requests name the test that they belong to
 */
export function observeCalls(sink: JournalSink, testHeader: string): Stage {
  return function observe(exchange, next) {
    return mapMaybe(next(), (reply) => {
      note(exchange, reply, sink, testHeader)
      return reply
    })
  }
}

function note(exchange: Exchange, reply: Reply, sink: JournalSink, testHeader: string): void {
  const plannedMs = exchange.clock.nowMs()
  const { startedMs, body, deployment, route, clock } = exchange
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
      resource: exchange.resource,
      deployment: deployment?.name ?? route?.deploymentName,
      spilledOverFrom: exchange.spilledOverFrom,
      client: clientName(exchange, testHeader),
      caller: exchange.caller,
      status: reply.status,
      limitedBy: reply.limitedBy,
      retryAfterMs: reply.status < 400 ? undefined : toldWaitMs(reply.headers, clock.epochMs()),
      streamed: isStream(reply),
      usage: reply.usage,
      attempt: toldAttempt(exchange),
    },
    plannedMs,
  )
  exchange.onEnd(({ aborted, firstByteMs, endMs }) => {
    const isInOnePiece = reply.body.kind === 'whole' && !reply.interruption
    const answeredMs = isInOnePiece ? (firstByteMs ?? endMs) : endMs
    sink.ended(lease, {
      usage: reply.usage,
      firstByteMs,
      durationMs: endMs,
      answeredAtMs: startedMs + answeredMs,
      aborted,
      failure: failureOf(reply),
    })
  })
}

/** The official clients of OpenAI count their attempts in this header: 0 is the first one. */
function toldAttempt({ headers }: Exchange): number | undefined {
  const count = headers['x-stainless-retry-count']
  return typeof count === 'string' && /^\d{1,2}$/.test(count) ? Number(count) : undefined
}

/** The status of an answer that failed, or `cut`; undefined for one that did not. */
function failureOf({ status, interruption }: Reply): string | undefined {
  if (interruption && typeof interruption.how !== 'number') return 'cut'
  return status >= 400 ? String(status) : undefined
}

/**
 * How long an answer told its client to wait, in milliseconds >= 0; undefined when it told nothing that can be read.
 *
 * `retry-after-ms` is exact and `retry-after` is the same wait in whole seconds, rounded up, or a date. Clients read one or
 * the other, so that the earlier of both is what they were told.
 *
 * @param epochMs when the answer was made, for a `retry-after` that is a date
 */
export function toldWaitMs(headers: HeaderList, epochMs: number): number | undefined {
  const waits = [
    parseRetryAfterMs(headers.get('retry-after-ms')),
    parseRetryAfter(headers.get('retry-after'), epochMs),
  ].filter((waitMs) => waitMs !== undefined)
  return waits.length === 0 ? undefined : Math.min(...waits)
}
