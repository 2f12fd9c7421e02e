import { neverFitsRetryAfterSeconds } from '../wire/errors.ts'
import type { RateLimits } from '../wire/service-headers.ts'
import type { Decision, CostEstimate } from './limit-authority.ts'
import type { Limiter } from './limiter.ts'
import type { LimitStanding } from './limit-standing.ts'
import { windowStanding } from './window-standing.ts'
import { type LimitPlan, requestsWindowMs, tokensWindowMs } from './limit-plan.ts'
import type { LimitProfile } from './limit-profile.ts'
import { rateLimitsOf } from './rate-limits-of.ts'
import { SlidingWindow } from './sliding-window.ts'

/** The pay-as-you-go limits of one deployment: tokens over 60 seconds, requests over a slice of a minute. */
export class DeploymentLimiter implements Limiter {
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
  decide(nowMs: number, cost: CostEstimate): Decision {
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
      standing: { rateLimits: this.#state(nowMs) },
    }
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

  #admit(nowMs: number, estimate: number): Decision {
    const receipt = this.#tokens.add(nowMs, estimate)
    const { correctsEstimate } = this.#profile
    return {
      admitted: true,
      standing: { rateLimits: this.#state(nowMs) },
      // Does nothing after 60 seconds, when the request no longer counts.
      settle: (usage) => {
        const used = usage ? usage.promptTokens + usage.completionTokens : 0
        if (!usage || correctsEstimate) this.#tokens.correct(receipt, used - estimate)
      },
    }
  }

  #state(nowMs: number): RateLimits {
    const use = {
      tokens: this.#tokens.used(nowMs),
      requests: this.#requests.used(nowMs),
      sliceRequests: this.#slice.used(nowMs),
    }
    return rateLimitsOf(use, this.#plan, this.#profile)
  }
}
