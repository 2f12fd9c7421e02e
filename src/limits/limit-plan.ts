import { derivedRequestsPerMinute } from '../config/deployment-limits.ts'
import type { Deployment } from '../config/deployments.ts'
import type { MinuteLimits } from './occupancy.ts'

/** The span that the tokens limit is counted over, in milliseconds. */
export const tokensWindowMs = 60_000

/** The span that the requests of the headers are counted over, in milliseconds. */
export const requestsWindowMs = 60_000

/** What a pay-as-you-go deployment may use, in the windows in which it is counted. */
export interface LimitPlan {
  /** Tokens in 60 seconds; Infinity where tokens are not limited. */
  readonly tokens: number
  /** Requests in 60 seconds, as the headers tell them. */
  readonly requestsPerMinute: number
  /** The shorter span in which requests are really counted, and how many it takes. */
  readonly slice: { readonly windowMs: number; readonly requests: number }
}

/**
 * The pay-as-you-go limits of a deployment; undefined when it has none.
 *
 * Without `requestsPerMinute` the requests follow from the tokens by the model's ratio (Microsoft Learn, quotas and
 * limits; 6 requests for each 1,000 tokens unless the catalogue says otherwise), rounded up.
 *
 * The service spreads requests over windows of 1 or 10 seconds (documentation), and over a minute where so few are
 * allowed (captured: 5 requests a minute, renewed in 60 seconds). The share of a window is rounded up, since an evenly
 * spaced client would else be refused below its limit.
 */
export function limitPlanOf(deployment: Deployment): LimitPlan | undefined {
  const { tokensPerMinute, model } = deployment
  const requestsPerMinute =
    deployment.requestsPerMinute ??
    (tokensPerMinute === undefined ? undefined : derivedRequestsPerMinute(tokensPerMinute, model))
  if (requestsPerMinute === undefined) return undefined
  return {
    tokens: tokensPerMinute ?? Infinity,
    requestsPerMinute,
    slice: sliceOf(requestsPerMinute, deployment.requestsSliceSeconds ?? 10),
  }
}

/** The limits of those deployments that are pay-as-you-go and limited. */
export function minuteLimitsOf(resource: string, deployments: Iterable<Deployment>): MinuteLimits[] {
  return Array.from(deployments).flatMap((deployment) => {
    const plan = deployment.provisionedThroughputUnits === undefined ? limitPlanOf(deployment) : undefined
    if (!plan) return []
    const tokens = plan.tokens === Infinity ? undefined : plan.tokens
    return [{ resource, deployment: deployment.name, tokens, requests: plan.requestsPerMinute }]
  })
}

function sliceOf(requestsPerMinute: number, seconds: number): LimitPlan['slice'] {
  const slices = 60 / seconds
  if (requestsPerMinute < slices) return { windowMs: requestsWindowMs, requests: requestsPerMinute }
  return { windowMs: seconds * 1_000, requests: Math.ceil(requestsPerMinute / slices) }
}
