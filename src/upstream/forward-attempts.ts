import { parseRetryAfter, parseRetryAfterMs } from '../wire/service-headers.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { headerIn } from '../pipeline/reply.ts'
import type { Clock } from '../lib/clock.ts'
import { backoffMs, sleep } from '../lib/waiting.ts'
import type { Random } from '../lib/random.ts'
import type { UpstreamAnswer } from './upstream-call.ts'
import { ClientDisconnected, UpstreamFailure } from './upstream-failure.ts'

/** Delays between attempts if the upstream specifies none. */
const BACKOFF = { firstMs: 500, maxMs: 8_000 }

/** If the upstream requires a longer wait, its answer is sent to the client instead. */
const MAX_RETRY_AFTER_MS = 60_000

/** How much of a discarded answer is read, in bytes. */
const MAX_DISCARDED_BYTES = 64 * 1024

/** Limits and dependencies of the attempts. */
export interface AttemptDeps {
  /** The maximum number of repetitions. */
  readonly retries: number
  /** When the answer must be complete, on the clock's monotonic scale. */
  readonly deadlineMs: number
  /** Its signal is aborted when the client disconnects. It is only read before a repetition. */
  readonly client: Pick<Exchange, 'signal'>
  readonly clock: Clock
  readonly random: Random
  /** Called when an attempt has an answer or has failed. */
  readonly onAttempt: (attempt: AttemptOutcome) => void
}

/** How an attempt ended. Times are on the clock's monotonic scale. */
export interface AttemptOutcome {
  readonly outcome: UpstreamAnswer | Error
  /** 0 for the first attempt. */
  readonly retry: number
  readonly startedMs: number
  readonly headersMs: number
  /** Milliseconds until the repetition; undefined for the last attempt. */
  readonly retryInMs: number | undefined
}

/** An answer, and when its request was sent, on the clock's monotonic scale. */
export interface Attempt {
  readonly answer: UpstreamAnswer
  readonly sentMs: number
}

/**
 * Sends a request, and repeats it if the settings allow it and a repetition is safe: after 408, 429 and 5xx, and after a failure
 * to get a credential or to connect. Obeys `retry-after-ms`, `retry-after` and `x-should-retry`.
 *
 * @throws {UpstreamFailure} if the last attempt has no answer
 * @throws {ClientDisconnected} if the client has disconnected
 */
export async function attemptCall(
  send: () => Promise<Attempt>,
  { retries, deadlineMs, client, clock, random, onAttempt }: AttemptDeps,
): Promise<Attempt> {
  for (let retry = 0; ; retry++) {
    const startedMs = clock.nowMs()
    const attempt = await send().catch(asError)
    const headersMs = clock.nowMs()
    const outcome = attempt instanceof Error ? attempt : attempt.answer
    const waitMs = retry >= retries ? undefined : retryDelayMs(outcome, retry, clock, random)
    const retryInMs = waitMs !== undefined && headersMs + waitMs < deadlineMs ? waitMs : undefined
    onAttempt({ outcome, retry, startedMs, headersMs, retryInMs })
    if (retryInMs === undefined) {
      if (attempt instanceof Error) throw attempt
      return attempt
    }
    if (!(attempt instanceof Error)) await discardBody(attempt.answer)
    const { signal } = client
    await sleep(retryInMs, clock, signal)
    if (signal.aborted) throw new ClientDisconnected()
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

/** The wait before the repetition, in milliseconds; undefined if the request must not be repeated. */
function retryDelayMs(
  outcome: UpstreamAnswer | Error,
  retry: number,
  clock: Clock,
  random: Random,
): number | undefined {
  if (!(outcome instanceof Error) && outcome.status < 400) return undefined
  const delayMs = backoffMs(retry, BACKOFF) * (1 - random.unit() / 4)
  if (outcome instanceof UpstreamFailure) return outcome.canRetry ? delayMs : undefined
  if (outcome instanceof Error) return undefined
  const { status, rawHeaders } = outcome
  const shouldRetry = headerIn(rawHeaders, 'x-should-retry')?.trim().toLowerCase()
  const isTemporary = status === 408 || status === 429 || status >= 500
  if (shouldRetry === 'false' || !(isTemporary || (status >= 400 && shouldRetry === 'true'))) return undefined
  const retryAfterMs =
    parseRetryAfterMs(headerIn(rawHeaders, 'retry-after-ms')) ??
    parseRetryAfter(headerIn(rawHeaders, 'retry-after'), clock.epochMs())
  if (retryAfterMs === undefined) return delayMs
  return retryAfterMs <= MAX_RETRY_AFTER_MS ? retryAfterMs : undefined
}

/** Reads an answer so that its connection can be used again. A long answer is aborted, which is cheaper. */
function discardBody({ chunks }: UpstreamAnswer): Promise<void> {
  return new Promise((resolve) => {
    let length = 0
    const flow = chunks.pipe({
      write(chunk) {
        length += chunk.byteLength
        if (length <= MAX_DISCARDED_BYTES) return true
        flow.cancel()
        resolve()
        return false
      },
      end: resolve,
      // The answer is discarded.
      fail: () => resolve(),
    })
  })
}
