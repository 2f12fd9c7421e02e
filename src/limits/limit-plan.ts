import type { Deployment } from '../config/deployments.ts'

/** The span that the tokens limit is counted over, in milliseconds. */
export const tokensWindowMs = 60_000

/** What a deployment may use, in the windows in which it is counted. */
export interface LimitPlan {
  /** Tokens in 60 seconds; Infinity where tokens are not limited. */
  readonly tokens: number
  /** Requests in `requestsWindowMs`. */
  readonly requests: number
  readonly requestsWindowMs: number
}

/**
 * The limits of a deployment; undefined when it has none.
 *
 * The service spreads requests over windows of ten seconds (documentation; captures of 2024 count down from a sixth
 * of the minute's requests), and over a minute where so few are allowed (captured: 5 requests a minute, renewed in 60
 * seconds). The sixth is rounded up, since an evenly spaced client would else be refused below its limit.
 *
 * Without `requestsPerMinute` there is one request in ten seconds for each 1,000 tokens a minute, rounded up: six
 * requests a minute for 1,000 tokens, the service's ratio for its older chat models.
 */
export function limitPlanOf(deployment: Deployment): LimitPlan | undefined {
  const { tokensPerMinute, requestsPerMinute } = deployment
  const tokens = tokensPerMinute ?? Infinity
  if (requestsPerMinute === undefined) {
    if (tokensPerMinute === undefined) return undefined
    return { tokens, requests: Math.ceil(tokensPerMinute / 1_000), requestsWindowMs: 10_000 }
  }
  if (requestsPerMinute < 6) return { tokens, requests: requestsPerMinute, requestsWindowMs: 60_000 }
  return { tokens, requests: Math.ceil(requestsPerMinute / 6), requestsWindowMs: 10_000 }
}
