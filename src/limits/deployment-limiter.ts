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

/** Width of a bucket: how exactly a window knows when something happened. */
export const BUCKET_MS = 100

/** Names what was added to a window at one time, so that it can be corrected later: the bucket's number. */
export type BucketIndex = number

/**
 * A sum over the last `windowMs`, kept in a ring of 100 ms buckets: bounded memory and a constant cost a call, however
 * many calls there are. What was added leaves up to 99 ms early and never late, so that a client that waits for the
 * whole window is never refused. All amounts should be integers, so that the sum stays exact.
 */
export class SlidingWindow {
  readonly windowMs: number
  readonly #buckets: Float64Array
  #newest = 0
  #sum = 0

  /** @param windowMs a multiple of `bucketMs` */
  constructor(windowMs: number) {
    this.windowMs = windowMs
    this.#buckets = new Float64Array(windowMs / BUCKET_MS)
  }

  /** The sum of what was added within the window that ends at `nowMs`. */
  used(nowMs: number): number {
    this.#advance(nowMs)
    return this.#sum
  }

  /** Adds an amount at `nowMs`; a time before that of an earlier call counts as that one. */
  add(nowMs: number, amount: number): BucketIndex {
    this.#advance(nowMs)
    this.#change(this.#newest, amount)
    return this.#newest
  }

  /** Changes what was added, down to nothing at most. Does nothing once it has left the window. */
  correct(receipt: BucketIndex, delta: number): void {
    const age = this.#newest - receipt
    if (age < 0 || age >= this.#buckets.length) return
    this.#change(receipt, Math.max(delta, -this.#at(receipt)))
  }

  /**
   * The earliest time at which `amount` fits below `limit` if nothing else is added: `nowMs` when it fits at once,
   * Infinity when it is larger than the limit. Walks the buckets, so call it for refusals only.
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

  /** A window of another length with all that is still in this one and fits the new length; receipts stay valid. */
  resized(windowMs: number): SlidingWindow {
    const window = new SlidingWindow(windowMs)
    window.#newest = this.#newest
    const kept = Math.min(this.#buckets.length, window.#buckets.length)
    for (let age = 0; age < kept; age++) window.#change(this.#newest - age, this.#at(this.#newest - age))
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

  /** Right after the start a window reaches back before time zero. */
  #index(tick: number): number {
    const { length } = this.#buckets
    return ((tick % length) + length) % length
  }
}

/** What a request was charged. */
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

  /** Takes new limits; what was used stays used. */
  updateLimits(plan: LimitPlan, profile: LimitProfile): void {
    this.#plan = plan
    this.#profile = profile
    if (plan.slice.windowMs !== this.#slice.windowMs) this.#slice = this.#slice.resized(plan.slice.windowMs)
  }

  /**
   * A request is admitted while the minute's tokens are not used up, even when it takes more than is left of them: "if
   * at any time during that minute the limit value is reached, then further requests will receive a 429" (Microsoft
   * Learn, quota). So one burst goes through. A request that is estimated above the whole limit never does.
   *
   * The service counts refused requests, too: one that is refused for its tokens has passed the requests limit and is
   * charged as one request (captured: 4 of 5 left after such an answer). One that is refused for the requests limit
   * is not charged, or a client that hammers would push its own time of admission, and the one that other clients
   * were promised, ahead of itself for ever.
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
    // Asked after the charge, and of both limits, or a client that has waited could be refused by the other one.
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
   * Puts what a request used in the place of its estimate; undefined: nothing. Does nothing after 60 seconds, when the request
   * no longer counts.
   */
  settle({ bucket: receipt, estimate, isCorrected }: WindowCharge, usage: Usage | undefined): void {
    const used = usage ? usage.promptTokens + usage.completionTokens : 0
    if (!usage || isCorrected) this.#tokens.correct(receipt, used - estimate)
  }

  /**
   * How the limits stand; nothing is charged by asking.
   *
   * @param plan the limits to tell it by, where they are newer than those that requests were last judged by
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

  #admit(nowMs: number, estimate: number): LimitResult<WindowCharge> {
    const receipt = this.#tokens.add(nowMs, estimate)
    return {
      admitted: true,
      status: this.#status(nowMs),
      lease: { limiter: this, bucket: receipt, estimate, isCorrected: this.#profile.correctsEstimate },
    }
  }

  #status(nowMs: number): RemainingLimits {
    const use = {
      tokens: this.#tokens.used(nowMs),
      requests: this.#requests.used(nowMs),
      sliceRequests: this.#slice.used(nowMs),
    }
    return rateLimitsOf(use, this.#plan, this.#profile)
  }
}

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
const ROUNDING_TOLERANCE_MS = 1e-6

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

/** Tells how a window stands under a limit. */
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

/** What is used of the limits of a pay-as-you-go deployment: tokens and requests of the minute, and requests of the slice. */
export interface LimitUsage {
  readonly tokens: number
  readonly requests: number
  readonly sliceRequests: number
}

/** What the headers of an era tell of limits that are used so far. */
export function rateLimitsOf(use: LimitUsage, plan: LimitPlan, profile: LimitProfile): RemainingLimits {
  const { tokens, requestsPerMinute, slice } = plan
  return {
    requests:
      profile.requestsPer === 'slice'
        ? limitState(use.sliceRequests, slice.requests, slice.windowMs)
        : limitState(use.requests, requestsPerMinute, REQUESTS_WINDOW_MS),
    tokens: tokens === Infinity ? undefined : limitState(use.tokens, tokens, TOKENS_WINDOW_MS),
  }
}

/**
 * Corrections and bursts can leave more used than is allowed; the service never tells less than nothing. It tells the
 * reset as if usage drained steadily (1 of 5 requests a minute is 12 seconds, half of the tokens 30): that is not the
 * time of admission, which is retry-after.
 */
function limitState(usedAmount: number, limit: number, windowMs: number): LimitState {
  const used = Math.min(usedAmount, limit)
  const resetMs = limit === 0 ? 0 : (used * windowMs) / limit
  return { limit, remaining: limit - used, renewalSeconds: windowMs / 1_000, resetMs }
}
