import { parseRetryAfter, parseRetryAfterMs } from '../wire/service-headers.ts'
import { HeaderList } from '../pipeline/reply.ts'
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
  /** Aborted when the client disconnects. */
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly random: Random
  /** Called before each repetition. */
  readonly onRetry: (why: string, waitMs: number) => void
}

/** An answer, and when its request was sent, on the clock's monotonic scale. */
export interface Attempt {
  readonly answer: UpstreamAnswer
  readonly sentMs: number
}

/**
 * Sends a request, and repeats it if the settings allow it and a repetition is safe: after 408, 429 and 5xx, and
 * after a failure to get a credential or to connect. Obeys `retry-after-ms` and `retry-after`.
 *
 * @throws {UpstreamFailure} if the last attempt has no answer
 * @throws {ClientDisconnected} if the client has disconnected
 */
export async function attemptCall(
  send: () => Promise<Attempt>,
  { retries, deadlineMs, signal, clock, random, onRetry }: AttemptDeps,
): Promise<Attempt> {
  for (let retry = 0; ; retry++) {
    const outcome = await send().catch(asError)
    const isLast = retry >= retries
    const waitMs = isLast
      ? undefined
      : retryDelayMs(outcome instanceof Error ? outcome : outcome.answer, retry, clock, random)
    if (waitMs === undefined || clock.nowMs() + waitMs >= deadlineMs) {
      if (outcome instanceof Error) throw outcome
      return outcome
    }
    if (!(outcome instanceof Error)) await discardBody(outcome.answer)
    onRetry(outcome instanceof Error ? outcome.message : `status ${outcome.answer.status}`, waitMs)
    await sleep(waitMs, clock, signal)
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
  const delayMs = backoffMs(retry, BACKOFF) * (1 - random.unit() / 4)
  if (outcome instanceof UpstreamFailure) return outcome.nothingSent ? delayMs : undefined
  if (outcome instanceof Error) return undefined
  const { status, rawHeaders } = outcome
  if (status !== 408 && status !== 429 && status < 500) return undefined
  const headers = new HeaderList([...rawHeaders])
  if (headers.get('x-should-retry') === 'false') return undefined
  const retryAfterMs =
    parseRetryAfterMs(headers.get('retry-after-ms')) ??
    parseRetryAfter(headers.get('retry-after'), clock.epochMs())
  if (retryAfterMs === undefined) return delayMs
  return retryAfterMs <= MAX_RETRY_AFTER_MS ? retryAfterMs : undefined
}

/** Reads an answer so that its connection can be used again. A long answer is aborted, which is cheaper. */
async function discardBody({ chunks }: UpstreamAnswer): Promise<void> {
  let length = 0
  try {
    for await (const chunk of chunks) {
      length += chunk.length
      if (length > MAX_DISCARDED_BYTES) return
    }
  } catch {
    // The answer is discarded.
  }
}
