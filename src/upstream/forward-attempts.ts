import { parseRetryAfter, parseRetryAfterMs } from '../wire/retry-after.ts'
import { HeaderList } from '../pipeline/reply.ts'
import type { Clock } from '../lib/clock.ts'
import { backoffMs, sleep } from '../lib/waiting.ts'
import type { Random } from '../lib/random.ts'
import type { UpstreamAnswer } from './upstream-call.ts'
import { CallerLeft, UpstreamFailure } from './upstream-failure.ts'

/** The wait before a second attempt where the upstream names none; doubled for each further one. */
const BACKOFF = { firstMs: 500, maxMs: 8_000 }

/** A longer wait than this is for the caller to decide, who may have given up by then. */
const MAX_ASKED_WAIT_MS = 60_000

/** How much of an answer that nobody wants is read, in bytes. */
const MAX_DISCARDED_BYTES = 64 * 1024

/** What an attempt needs to know of its surroundings. */
export interface AttemptDeps {
  /** How often the upstream is asked again at most. */
  readonly retries: number
  /** When the answer has to be complete at the latest, on the clock's monotonic scale. */
  readonly deadlineMs: number
  /** Fires when nobody waits for the answer any more. */
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly random: Random
  /** Hears of each attempt that is followed by another. */
  readonly onRetry: (why: string, waitMs: number) => void
}

/** An answer, and when the request was sent that it answers, on the clock's monotonic scale. */
export interface Attempt {
  readonly answer: UpstreamAnswer
  readonly sentMs: number
}

/**
 * Asks the upstream, and asks again where the settings allow it and nothing can have been done twice: after 408, 429 and
 * 5xx, and after a credential or a connection that did not come about. Waits as `retry-after-ms` or `retry-after` say.
 *
 * @throws {UpstreamFailure} when the last attempt has no answer
 * @throws {CallerLeft} when nobody waits any more
 */
export async function attemptCall(
  ask: () => Promise<Attempt>,
  { retries, deadlineMs, signal, clock, random, onRetry }: AttemptDeps,
): Promise<Attempt> {
  for (let retry = 0; ; retry++) {
    const outcome = await ask().catch(asError)
    const isLast = retry >= retries
    const waitMs = isLast
      ? undefined
      : waitBefore(outcome instanceof Error ? outcome : outcome.answer, retry, clock, random)
    if (waitMs === undefined || clock.nowMs() + waitMs >= deadlineMs) {
      if (outcome instanceof Error) throw outcome
      return outcome
    }
    if (!(outcome instanceof Error)) await readAway(outcome.answer)
    onRetry(outcome instanceof Error ? outcome.message : `status ${outcome.answer.status}`, waitMs)
    await sleep(waitMs, clock, signal)
    if (signal.aborted) throw new CallerLeft()
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

/** How long to wait before asking again; undefined where that is not for us to do. */
function waitBefore(
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
  const askedMs =
    parseRetryAfterMs(headers.get('retry-after-ms')) ??
    parseRetryAfter(headers.get('retry-after'), clock.epochMs())
  if (askedMs === undefined) return delayMs
  return askedMs <= MAX_ASKED_WAIT_MS ? askedMs : undefined
}

/** A connection is free for the next request once its answer has been read; a long one is cheaper to break off. */
async function readAway({ chunks }: UpstreamAnswer): Promise<void> {
  let length = 0
  try {
    for await (const chunk of chunks) {
      length += chunk.length
      if (length > MAX_DISCARDED_BYTES) return
    }
  } catch {
    // The answer was not wanted.
  }
}
