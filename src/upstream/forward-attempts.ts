import { parseRetryAfter, parseRetryAfterMs } from '../wire/service-headers.ts'
import { HeaderList } from '../pipeline/reply.ts'
import type { Clock } from '../lib/clock.ts'
import { backoffMs, sleep } from '../lib/waiting.ts'
import type { Random } from '../lib/random.ts'
import type { UpstreamAnswer } from './upstream-call.ts'
import { CallerLeft, UpstreamFailure } from './upstream-failure.ts'

/** The delays between attempts, if the upstream names none. */
const BACKOFF = { firstMs: 500, maxMs: 8_000 }

/** If the upstream asks for a longer wait, its answer goes to the client instead. */
const MAX_ASKED_WAIT_MS = 60_000

/** How much of a discarded answer is read, in bytes. */
const MAX_DISCARDED_BYTES = 64 * 1024

/** The limits of the attempts, and what they need. */
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
 * Sends a request, and repeats it if the settings allow it and nothing can have been done twice: after 408, 429 and 5xx, and
 * after a failure to get a credential or to connect. Waits as `retry-after-ms` or `retry-after` say.
 *
 * @throws {UpstreamFailure} if the last attempt has no answer
 * @throws {CallerLeft} if the client has disconnected
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

/** The wait before the repetition, in milliseconds; undefined if the request must not be repeated. */
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

/** Reads an answer so that its connection can be used again. A long answer is aborted, which is cheaper. */
async function readAway({ chunks }: UpstreamAnswer): Promise<void> {
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
