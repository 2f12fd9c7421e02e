import type { Logger } from '../lib/logger.ts'
import { defer } from '../lib/real-timers.ts'
import type { Exchange, Outcome } from '../pipeline/exchange.ts'
import { outcomeStatus, type Reply } from '../pipeline/reply.ts'
import { deploymentOf } from '../pipeline/source-rules.ts'
import { type Source, mapMaybe } from '../pipeline/stage.ts'
import { openUpstreamCall, type UpstreamCall, upstreamRequestIdOf } from '../pipeline/upstream-call.ts'
import { upstreamOf } from '../pipeline/upstream-of.ts'
import type { UpstreamAttempt, UpstreamObserver } from '../upstream/upstream-observer.ts'
import { levelOf, type LogSink } from './log-ring.ts'

/** Records the call of each forwarded request in its exchange, and writes one log entry when its answer has ended. */
export interface UpstreamLog extends UpstreamObserver {
  /** Wraps a source that forwards requests. */
  readonly watch: (source: Source) => Source
}

/** Options of `createUpstreamLog`. */
export interface UpstreamLogOptions {
  /** Gets the entries at level `debug`: failures are logged when they happen. */
  readonly logger: Logger
  /** Gets all entries; undefined without a log ring. */
  readonly records: LogSink | undefined
  /** Is notified of each attempt, for metrics. */
  readonly onAttempt: (attempt: UpstreamAttempt) => void
}

/** The answer of a source that forwards, and its code if it is an error of the simulator. */
interface Answer {
  reply: Reply | undefined
  code: string | undefined
}

export function createUpstreamLog({ logger, records, onAttempt }: UpstreamLogOptions): UpstreamLog {
  const write = (exchange: Exchange, call: UpstreamCall, answer: Answer, outcome: Outcome): void => {
    const { upstream, attempts, message } = call
    const status = answer.reply && outcomeStatus(answer.reply)
    const code =
      answer.code ?? call.answerCode ?? call.code ?? (outcome.aborted ? 'ClientDisconnected' : undefined)
    // Members that are undefined are not logged. Spreading them one by one takes several microseconds.
    const fields = {
      method: exchange.method,
      operation: exchange.route?.operation,
      attempts,
      upstreamStatus: call.status === status ? undefined : call.status,
      upstreamRequestIds: upstreamRequestIdOf(call) === undefined ? undefined : call.requestIds,
      converted: call.converted,
      spilledOverFrom: exchange.spilledOverFrom,
      connectMs: rounded(call.connectMs),
      firstByteMs: rounded(call.firstByteMs),
      upstreamMs: rounded(call.ms),
      aborted: outcome.aborted ? true : undefined,
    }
    const text = message ?? describe(call, code, status)
    const ms = Math.round(outcome.endMs)
    logger.debug({ ...fields, requestId: exchange.id, path: exchange.path, upstream, status, code, ms }, text)
    records?.add({
      epochMs: exchange.clock.epochMs(),
      level: code === undefined || code === 'ClientDisconnected' ? levelOf(status ?? 0) : 'warn',
      event: 'upstream',
      message: text,
      request: exchange.id,
      resource: exchange.resource,
      deployment: deploymentOf(exchange),
      upstream,
      status,
      code,
      ms,
      fields,
    })
  }

  return {
    watch: (source) => (exchange) => {
      const call = (exchange.upstreamCall ??= openUpstreamCall(upstreamOf(exchange)?.upstream.name))
      const answer: Answer = { reply: undefined, code: undefined }
      exchange.onEnd((outcome) => {
        // The last attempt can end after the request, such as that of a client that has disconnected.
        if (call.hasEnded) write(exchange, call, answer, outcome)
        else defer(() => write(exchange, call, answer, outcome))
      })
      return mapMaybe(source(exchange), (reply) => {
        answer.reply = reply
        // An error of the simulator: the request was not converted or not sent, or the answer is invalid.
        const error = reply?.service
        if (error && 'code' in error) answer.code = error.code ?? undefined
        return reply
      })
    },
    onAttempt(attempt, { upstreamCall: call }) {
      onAttempt(attempt)
      if (!call) return
      const { status, code, ms, firstByteMs, retry, willRetry } = attempt
      call.hasEnded = !willRetry
      call.attempts = retry + 1
      call.status = status
      call.code = code
      call.firstByteMs = firstByteMs
      call.ms = ms
    },
  }
}

function describe(
  { upstream, attempts }: UpstreamCall,
  code: string | undefined,
  status: number | undefined,
): string {
  const service = upstream === undefined ? 'A forwarder' : `The upstream ${upstream}`
  if (code === 'ClientDisconnected')
    return `The client disconnected before the end of the answer of ${service.toLowerCase()}.`
  if (upstream !== undefined && attempts === 0)
    return `A request was answered with ${status ?? 0}, and not sent to the upstream ${upstream}.`
  return code === undefined
    ? `${service} answered a request with ${status ?? 0}.`
    : `${service} failed to answer a request: ${code}.`
}

/** A time with a precision of 0.1 ms. */
function rounded(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * 10) / 10
}
