import { neverFitsRetryAfterSeconds } from '../wire/errors.ts'
import type { Usage } from '../answer/completion.ts'
import type { CostEstimate, LimitResult, LimitStatus } from './rate-limiter.ts'
import type { LimitStanding } from './limit-standing.ts'
import { windowStanding } from './window-standing.ts'
import { type LimitPlan, requestsWindowMs, tokensWindowMs } from './limit-plan.ts'
import type { LimitProfile } from './limit-profile.ts'
import { rateLimitsOf } from './rate-limits-of.ts'
import { type Receipt, SlidingWindow } from './sliding-window.ts'

/** What a request was charged. */
export interface WindowCharge {
  readonly limiter: DeploymentLimiter
  readonly receipt: Receipt
  readonly estimate: number
  readonly isCorrected: boolean
}

/** The pay-as-you-go limits of one deployment: tokens over 60 seconds, requests over a slice of a minute. */
export class DeploymentLimiter {
  #plan: LimitPlan
  #profile: LimitProfile
  #slice: SlidingWindow
  readonly #requests = new SlidingWindow(requestsWindowMs)
  readonly #tokens = new SlidingWindow(tokensWindowMs)

  constructor(plan: LimitPlan, profile: LimitProfile) {
    this.#plan = plan
    this.#profile = profile
    this.#slice = new SlidingWindow(plan.slice.windowMs)
  }

  /** Takes new limits; what was used stays used. */
  adapt(plan: LimitPlan, profile: LimitProfile): void {
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
      retryAfterMs: Math.min(Math.ceil(freeAtMs - nowMs), neverFitsRetryAfterSeconds * 1_000),
      status: this.#status(nowMs),
    }
  }

  /**
   * Puts what a request used in the place of its estimate; undefined: nothing. Does nothing after 60 seconds, when the request
   * no longer counts.
   */
  settle({ receipt, estimate, isCorrected }: WindowCharge, usage: Usage | undefined): void {
    const used = usage ? usage.promptTokens + usage.completionTokens : 0
    if (!usage || isCorrected) this.#tokens.correct(receipt, used - estimate)
  }

  /**
   * How the limits stand; nothing is charged by asking.
   *
   * @param plan the limits to tell it by, where they are newer than those that requests were last judged by
   */
  standing(nowMs: number, plan: LimitPlan = this.#plan): LimitStanding {
    const { tokens, requestsPerMinute, slice } = plan
    const inSlice =
      slice.windowMs === this.#slice.windowMs ? this.#slice : this.#slice.resized(slice.windowMs)
    return {
      kind: 'pay-as-you-go',
      tokens: tokens === Infinity ? undefined : windowStanding(this.#tokens, tokens, nowMs),
      requests: windowStanding(inSlice, slice.requests, nowMs),
      requestsInMinute: windowStanding(this.#requests, requestsPerMinute, nowMs),
    }
  }

  #admit(nowMs: number, estimate: number): LimitResult<WindowCharge> {
    const receipt = this.#tokens.add(nowMs, estimate)
    return {
      admitted: true,
      status: this.#status(nowMs),
      lease: { limiter: this, receipt, estimate, isCorrected: this.#profile.correctsEstimate },
    }
  }

  #status(nowMs: number): LimitStatus {
    const use = {
      tokens: this.#tokens.used(nowMs),
      requests: this.#requests.used(nowMs),
      sliceRequests: this.#slice.used(nowMs),
    }
    return rateLimitsOf(use, this.#plan, this.#profile)
  }
}
