import type { LimitState } from '../wire/service-headers.ts'
import { type LimitPlan, requestsWindowMs, tokensWindowMs } from './limit-plan.ts'
import type { LimitProfile } from './limit-profile.ts'
import type { LimitStatus } from './rate-limiter.ts'

/** What is used of the limits of a pay-as-you-go deployment: tokens and requests of the minute, and requests of the slice. */
export interface LimitUse {
  readonly tokens: number
  readonly requests: number
  readonly sliceRequests: number
}

/** What the headers of an era tell of limits that are used so far. */
export function rateLimitsOf(use: LimitUse, plan: LimitPlan, profile: LimitProfile): LimitStatus {
  const { tokens, requestsPerMinute, slice } = plan
  return {
    requests:
      profile.requestsPer === 'slice'
        ? limitState(use.sliceRequests, slice.requests, slice.windowMs)
        : limitState(use.requests, requestsPerMinute, requestsWindowMs),
    tokens: tokens === Infinity ? undefined : limitState(use.tokens, tokens, tokensWindowMs),
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
