import type { Exchange } from '../pipeline/exchange.ts'
import type { NamedLimiter } from '../pipeline/extension.ts'
import type { Reply } from '../pipeline/reply.ts'
import { limitRefusal } from './limit-refusal.ts'

/** What a limiter of requests is made from. */
export interface RequestsLimit {
  /** How many requests are admitted in any `windowMs`; from 1. */
  readonly requests: number
  readonly windowMs: number
  /**
   * Makes the refusal of a service with an envelope of its own. It gets `retry-after` and `retry-after-ms` where it has
   * none, and counts as limited by requests unless it says otherwise.
   */
  readonly refuse?: (exchange: Exchange, retryAfterMs: number) => Reply
}

/** Sums of times are exact to the last bit only; a client that waits as it was told is not to be refused by a hair. */
const roundingMs = 1e-6

/**
 * Makes a limiter for `exchange.limiter`: it admits so many requests in any window of that length, and refuses the others
 * with a 429 that tells when the next one is admitted. Refused requests do not count. Exact, at a constant cost a request;
 * it holds the time of each request that it admitted within the window.
 *
 * @throws {RangeError} for a limit that admits nothing
 */
export function requestsLimiter({ requests, windowMs, refuse }: RequestsLimit): NamedLimiter {
  if (!Number.isSafeInteger(requests) || requests < 1) {
    throw new RangeError(
      `Could not make a limiter: requests must be a whole number from 1 (got ${requests}).`,
    )
  }
  if (!(windowMs > 0 && windowMs < Infinity)) {
    throw new RangeError(`Could not make a limiter: windowMs must be a number above 0 (got ${windowMs}).`)
  }
  // A ring: the place of the next request is that of the oldest one that counts. Buckets, as the limits of deployments have
  // them, would know times to 100 ms only, which is coarse against the second that such a limit mostly is for.
  const admittedMs: number[] = []
  let next = 0

  return (exchange) => {
    const nowMs = exchange.clock.nowMs()
    const freeAtMs = (admittedMs[next] ?? -Infinity) + windowMs
    if (nowMs + roundingMs >= freeAtMs) {
      admittedMs[next] = nowMs
      next = (next + 1) % requests
      return undefined
    }
    const retryAfterMs = Math.ceil(freeAtMs - nowMs)
    if (!refuse) return limitRefusal(exchange, 'call', retryAfterMs)
    const reply = refuse(exchange, retryAfterMs)
    setIfAbsent(reply, 'retry-after', Math.ceil(retryAfterMs / 1_000))
    setIfAbsent(reply, 'retry-after-ms', retryAfterMs)
    reply.limitedBy ??= 'requests'
    return reply
  }
}

function setIfAbsent({ headers }: Reply, name: string, value: number): void {
  if (headers.get(name) === undefined) headers.append(name, String(value))
}
