import { NEVER_FITS_RETRY_AFTER_SECONDS } from '../wire/errors.ts'
import type { Usage } from '../answer/completion.ts'
import type {
  CostEstimate,
  LimitResult,
  RemainingLimits,
  PayAsYouGoStatus,
  WindowStatus,
} from './rate-limiter.ts'
import { type LimitPlan, REQUESTS_WINDOW_MS, TOKENS_WINDOW_MS, type LimitProfile } from './limit-plan.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import type { NamedLimiter } from '../pipeline/extension.ts'
import type { Reply } from '../pipeline/reply.ts'
import { limitRefusal } from './limit-refusal.ts'
import type { LimitState } from '../wire/service-headers.ts'

/** Width of a bucket, the time resolution of a window. */
export const BUCKET_MS = 100

/** The bucket to which an amount was added, for a later correction. */
export type BucketIndex = number

/**
 * A sum over the last `windowMs`, in a ring of 100 ms buckets. Memory and time per call are constant. Amounts leave the window up to
 * 99 ms early and never late, so that a client that waits for the whole window is admitted. Amounts must be integers to keep the sum
 * exact.
 */
export class SlidingWindow {
  readonly windowMs: number
  readonly #buckets: Float64Array
  #newest = 0
  #sum = 0

  /** @param windowMs a multiple of `BUCKET_MS` */
  constructor(windowMs: number) {
    this.windowMs = windowMs
    this.#buckets = new Float64Array(windowMs / BUCKET_MS)
  }

  /** The sum over the window that ends at `nowMs`. */
  used(nowMs: number): number {
    this.#advance(nowMs)
    return this.#sum
  }

  /** Adds an amount at `nowMs`. A time before that of an earlier call counts as the time of that call. */
  add(nowMs: number, amount: number): BucketIndex {
    this.#advance(nowMs)
    this.#change(this.#newest, amount)
    return this.#newest
  }

  /** Changes the amount in a bucket, to at least 0. Does nothing if the bucket has left the window. */
  correct(bucket: BucketIndex, delta: number): void {
    const age = this.#newest - bucket
    if (age < 0 || age >= this.#buckets.length) return
    this.#change(bucket, Math.max(delta, -this.#at(bucket)))
  }

  /**
   * The earliest time at which `amount` fits below `limit` if nothing else is added: `nowMs` if it fits now, Infinity if it exceeds
   * the limit. Iterates over the buckets, so call it only for rejected requests.
   */
  freeAtMs(nowMs: number, amount: number, limit: number): number {
    if (amount > limit) return Infinity
    this.#advance(nowMs)
    let excess = this.#sum + amount - limit
    if (excess <= 0) return nowMs
    const { length } = this.#buckets
    let tick = this.#newest - length
    while (excess > 0 && tick < this.#newest) excess -= this.#at(++tick)
    return (tick + length) * BUCKET_MS
  }

  /** A window of another length with the same amounts, as far as they fit. Bucket indexes stay valid. */
  resized(windowMs: number): SlidingWindow {
    const window = new SlidingWindow(windowMs)
    window.#newest = this.#newest
    const length = Math.min(this.#buckets.length, window.#buckets.length)
    for (let age = 0; age < length; age++) window.#change(this.#newest - age, this.#at(this.#newest - age))
    return window
  }

  #advance(nowMs: number): void {
    const tick = Math.floor(nowMs / BUCKET_MS)
    if (tick <= this.#newest) return
    if (tick - this.#newest >= this.#buckets.length) {
      this.#buckets.fill(0)
      this.#sum = 0
      this.#newest = tick
      return
    }
    while (this.#newest < tick) {
      this.#newest++
      this.#change(this.#newest, -this.#at(this.#newest))
    }
  }

  #at(tick: number): number {
    return this.#buckets[this.#index(tick)] ?? 0
  }

  #change(tick: number, delta: number): void {
    const index = this.#index(tick)
    this.#buckets[index] = (this.#buckets[index] ?? 0) + delta
    this.#sum += delta
  }

  /** At the start, a window contains negative ticks. */
  #index(tick: number): number {
    const { length } = this.#buckets
    return ((tick % length) + length) % length
  }
}

/** The charge of a request to a pay-as-you-go deployment. */
export interface WindowCharge {
  readonly limiter: DeploymentLimiter
  readonly bucket: BucketIndex
  readonly estimate: number
  readonly isCorrected: boolean
}

/** The pay-as-you-go limits of one deployment: tokens over 60 seconds, requests over a slice of a minute. */
export class DeploymentLimiter {
  #plan: LimitPlan
  #profile: LimitProfile
  #slice: SlidingWindow
  readonly #requests = new SlidingWindow(REQUESTS_WINDOW_MS)
  readonly #tokens = new SlidingWindow(TOKENS_WINDOW_MS)

  constructor(plan: LimitPlan, profile: LimitProfile) {
    this.#plan = plan
    this.#profile = profile
    this.#slice = new SlidingWindow(plan.slice.windowMs)
  }

  /** Changes the limits. The usage remains. */
  updateLimits(plan: LimitPlan, profile: LimitProfile): void {
    this.#plan = plan
    this.#profile = profile
    if (plan.slice.windowMs !== this.#slice.windowMs) this.#slice = this.#slice.resized(plan.slice.windowMs)
  }

  /**
   * Admits a request while the tokens of the minute are not used up, also if it exceeds the remaining tokens: "if at any time during
   * that minute the limit value is reached, then further requests will receive a 429" (Microsoft Learn, quota). So one burst is
   * admitted. A request with an estimate above the whole limit never is.
   *
   * A request that is rejected by the tokens limit counts as one request (captured: 4 of 5 remaining after such an answer). A request
   * that is rejected by the requests limit does not count. Otherwise a client that retries without waiting would postpone the
   * admission of all clients indefinitely.
   */
  decide(nowMs: number, cost: CostEstimate): LimitResult<WindowCharge> {
    const { tokens, slice } = this.#plan
    const estimate = cost.promptTokens + cost.completionTokens
    const neverFits = estimate > tokens
    const requestFits = this.#slice.used(nowMs) < slice.requests
    if (requestFits) {
      this.#slice.add(nowMs, 1)
      this.#requests.add(nowMs, 1)
      if (!neverFits && this.#tokens.used(nowMs) < tokens) return this.#admit(nowMs, estimate)
    }
    // After the charge and for both limits, so that a client that has waited is not rejected by the other limit.
    const freeAtMs = neverFits
      ? Infinity
      : Math.max(this.#slice.freeAtMs(nowMs, 1, slice.requests), this.#tokens.freeAtMs(nowMs, 1, tokens))
    return {
      admitted: false,
      kind: requestFits || neverFits ? 'token' : 'call',
      retryAfterMs: Math.min(Math.ceil(freeAtMs - nowMs), NEVER_FITS_RETRY_AFTER_SECONDS * 1_000),
      status: this.#status(nowMs),
    }
  }

  /**
   * Replaces the estimate of a request with its usage; undefined means no usage. Does nothing after 60 seconds, when the request no
   * longer counts.
   */
  settle({ bucket, estimate, isCorrected }: WindowCharge, usage: Usage | undefined): void {
    const used = usage ? usage.promptTokens + usage.completionTokens : 0
    if (!usage || isCorrected) this.#tokens.correct(bucket, used - estimate)
  }

  /**
   * Status of the limits. Does not charge anything.
   *
   * @param plan the current limits, if no request has used them yet
   */
  status(nowMs: number, plan: LimitPlan = this.#plan): PayAsYouGoStatus {
    const { tokens, requestsPerMinute, slice } = plan
    const inSlice =
      slice.windowMs === this.#slice.windowMs ? this.#slice : this.#slice.resized(slice.windowMs)
    return {
      kind: 'pay-as-you-go',
      tokens: tokens === Infinity ? undefined : windowStatus(this.#tokens, tokens, nowMs),
      requests: windowStatus(inSlice, slice.requests, nowMs),
      requestsInMinute: windowStatus(this.#requests, requestsPerMinute, nowMs),
    }
  }

  /** Tokens and requests of the last minute. */
  used(nowMs: number): { readonly tokens: number; readonly requests: number } {
    return { tokens: this.#tokens.used(nowMs), requests: this.#requests.used(nowMs) }
  }

  #admit(nowMs: number, estimate: number): LimitResult<WindowCharge> {
    const bucket = this.#tokens.add(nowMs, estimate)
    return {
      admitted: true,
      status: this.#status(nowMs),
      lease: { limiter: this, bucket, estimate, isCorrected: this.#profile.correctsEstimate },
    }
  }

  #status(nowMs: number): RemainingLimits {
    const usage = {
      tokens: this.#tokens.used(nowMs),
      requests: this.#requests.used(nowMs),
      sliceRequests: this.#slice.used(nowMs),
    }
    return rateLimitsOf(usage, this.#plan, this.#profile)
  }
}

/** Options of `requestsLimiter`. */
export interface RequestsLimit {
  /** Maximum number of requests in any window of `windowMs`; at least 1. */
  readonly requests: number
  readonly windowMs: number
  /**
   * Creates the refusal for a service with another error format. Missing headers `retry-after` and `retry-after-ms` are added, and
   * `limitedBy` defaults to `requests`.
   */
  readonly refuse?: (exchange: Exchange, retryAfterMs: number) => Reply
}

/** Tolerance for rounding errors of times, so that a client that has waited for retry-after is admitted. */
const ROUNDING_TOLERANCE_MS = 1e-6

/**
 * Creates a limiter for `exchange.limiter`. It admits `requests` in any window of `windowMs`, and rejects others with a 429 and the
 * time until the next one is admitted. Rejected requests do not count. Exact, in constant time; it stores the time of each request
 * in the window.
 *
 * @throws {RangeError} if `requests` is not an integer from 1, or `windowMs` is not a positive number
 */
export function requestsLimiter({ requests, windowMs, refuse }: RequestsLimit): NamedLimiter {
  if (!Number.isSafeInteger(requests) || requests < 1) {
    throw new RangeError(
      `Could not create a limiter: requests must be an integer from 1 (got ${requests}). Correct the option.`,
    )
  }
  if (!(windowMs > 0 && windowMs < Infinity)) {
    throw new RangeError(
      `Could not create a limiter: windowMs must be a positive number (got ${windowMs}). Correct the option.`,
    )
  }
  // A ring: the next request replaces the oldest one. The 100 ms buckets of SlidingWindow are too coarse for the typical window of
  // one second.
  const admittedMs: number[] = []
  let next = 0

  return (exchange) => {
    const nowMs = exchange.clock.nowMs()
    const freeAtMs = (admittedMs[next] ?? -Infinity) + windowMs
    if (nowMs + ROUNDING_TOLERANCE_MS >= freeAtMs) {
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

/** Status of a deployment without requests in the last minute. */
export function unusedStatus({ tokens, requestsPerMinute, slice }: LimitPlan): PayAsYouGoStatus {
  const unused = (limit: number, windowMs: number): WindowStatus => ({
    limit,
    used: 0,
    remaining: limit,
    windowMs,
    freeInMs: 0,
    emptyInMs: 0,
  })
  return {
    kind: 'pay-as-you-go',
    tokens: tokens === Infinity ? undefined : unused(tokens, TOKENS_WINDOW_MS),
    requests: unused(slice.requests, slice.windowMs),
    requestsInMinute: unused(requestsPerMinute, REQUESTS_WINDOW_MS),
  }
}

/** Status of a window with a limit. */
export function windowStatus(window: SlidingWindow, limit: number, nowMs: number): WindowStatus {
  const used = window.used(nowMs)
  return {
    limit,
    used,
    remaining: Math.max(0, limit - used),
    windowMs: window.windowMs,
    freeInMs: Math.max(0, window.freeAtMs(nowMs, 1, limit) - nowMs),
    emptyInMs: Math.max(0, window.freeAtMs(nowMs, used, used) - nowMs),
  }
}

/** Usage of a pay-as-you-go deployment: tokens and requests in the minute, and requests in the slice. */
export interface LimitUsage {
  readonly tokens: number
  readonly requests: number
  readonly sliceRequests: number
}

/** The limits in the headers of an era. */
export function rateLimitsOf(usage: LimitUsage, plan: LimitPlan, profile: LimitProfile): RemainingLimits {
  const { tokens, requestsPerMinute, slice } = plan
  return {
    requests:
      profile.requestsPer === 'slice'
        ? limitState(usage.sliceRequests, slice.requests, slice.windowMs)
        : limitState(usage.requests, requestsPerMinute, REQUESTS_WINDOW_MS),
    tokens:
      tokens === Infinity
        ? undefined
        : limitState(usage.tokens, tokens, TOKENS_WINDOW_MS, profile.showsOveruse),
  }
}

/**
 * The state of one limit in headers. Like in the service, the reset assumes that usage drains steadily (1 of 5 requests per minute is
 * 12 seconds, half of the tokens 30 seconds). It differs from the time of admission, which is retry-after.
 *
 * @param showsOveruse whether the remaining amount is negative after bursts and corrections above the limit, instead of 0
 */
function limitState(usedAmount: number, limit: number, windowMs: number, showsOveruse = false): LimitState {
  const used = Math.min(usedAmount, limit)
  const resetMs = limit === 0 ? 0 : (used * windowMs) / limit
  const remaining = limit - (showsOveruse ? usedAmount : used)
  return { limit, remaining, renewalSeconds: windowMs / 1_000, resetMs }
}
