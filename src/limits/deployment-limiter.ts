import { neverFitsRetryAfterSeconds } from '../openai/errors.ts'
import type { LimitState, RateLimits } from '../openai/service-headers.ts'
import { type LimitPlan, tokensWindowMs } from './limit-plan.ts'
import { type Receipt, SlidingWindow } from './sliding-window.ts'

/** What the limits say to a request, and how they stand after it. */
export type Decision =
  | { readonly admitted: true; readonly receipt: Receipt; readonly rateLimits: RateLimits }
  | {
      readonly admitted: false
      readonly kind: 'token' | 'call'
      /** When the same request would be admitted if no other came, rounded up; a day where waiting does not help. */
      readonly retryAfterMs: number
      readonly rateLimits: RateLimits
    }

/** The usage of one deployment and its limits: tokens over 60 seconds, and requests over 10 or 60. */
export class DeploymentLimiter {
  #plan: LimitPlan
  #requests: SlidingWindow
  readonly #tokens = new SlidingWindow(tokensWindowMs)

  constructor(plan: LimitPlan) {
    this.#plan = plan
    this.#requests = new SlidingWindow(plan.requestsWindowMs)
  }

  /** Takes new limits; what was used stays used. */
  adapt(plan: LimitPlan): void {
    this.#plan = plan
    if (plan.requestsWindowMs !== this.#requests.windowMs) {
      this.#requests = this.#requests.resized(plan.requestsWindowMs)
    }
  }

  /**
   * Admits a request that is estimated to cost `tokens`, and charges it, or refuses it.
   *
   * The service counts refused requests, too: one that is refused for its tokens has passed the requests limit and is
   * charged as one request (captured: 4 of 5 left after such an answer). One that is refused for the requests limit
   * is not charged, or a client that hammers would push its own time of admission, and the one that other clients
   * were promised, ahead of itself for ever.
   */
  decide(nowMs: number, tokens: number): Decision {
    const plan = this.#plan
    const neverFits = tokens > plan.tokens
    const requestFits = this.#requests.used(nowMs) < plan.requests
    if (requestFits) {
      this.#requests.add(nowMs, 1)
      if (!neverFits && this.#tokens.used(nowMs) + tokens <= plan.tokens) {
        const receipt = this.#tokens.add(nowMs, tokens)
        return { admitted: true, receipt, rateLimits: this.#state(nowMs) }
      }
    }
    // Asked after the charge, and of both limits, or a client that has waited could be refused by the other one.
    const freeAtMs = Math.max(
      this.#requests.freeAtMs(nowMs, 1, plan.requests),
      this.#tokens.freeAtMs(nowMs, tokens, plan.tokens),
    )
    return {
      admitted: false,
      kind: requestFits || neverFits ? 'token' : 'call',
      retryAfterMs: Math.min(Math.ceil(freeAtMs - nowMs), neverFitsRetryAfterSeconds * 1_000),
      rateLimits: this.#state(nowMs),
    }
  }

  /** Changes what an admitted request is charged with; does nothing after 60 seconds, when it no longer counts. */
  correct(receipt: Receipt, deltaTokens: number): void {
    this.#tokens.correct(receipt, deltaTokens)
  }

  #state(nowMs: number): RateLimits {
    const { tokens, requests, requestsWindowMs } = this.#plan
    return {
      requests: limitState(this.#requests.used(nowMs), requests, requestsWindowMs),
      tokens: tokens === Infinity ? undefined : limitState(this.#tokens.used(nowMs), tokens, tokensWindowMs),
    }
  }
}

/** Corrections and new limits can leave more used than is allowed; the service never tells less than nothing. */
function limitState(usedAmount: number, limit: number, windowMs: number): LimitState {
  const used = Math.min(usedAmount, limit)
  const renewalSeconds = windowMs / 1_000
  return {
    limit,
    remaining: limit - used,
    renewalSeconds,
    resetSeconds: resetSeconds(used, limit, renewalSeconds),
  }
}

/**
 * The service tells the reset as if usage drained steadily, in whole seconds (captures of June to August 2026: 1 of 5
 * requests a minute is 12, half of the tokens 30, a little 0). It is not the time of admission: retry-after is.
 */
function resetSeconds(used: number, limit: number, renewalSeconds: number): number {
  return limit === 0 ? 0 : Math.floor((used * renewalSeconds) / limit)
}
