import type { DeploymentLimits } from '../../limits/deployment-limits.ts'
import {
  type LimitPlan,
  REQUESTS_WINDOW_MS,
  TOKENS_WINDOW_MS,
  limitProfile,
} from '../../limits/limit-plan.ts'
import {
  provisionedStatus,
  UTILIZATION_SPAN_MS,
  weightedTokens,
  weightedTokensPerMinute,
} from '../../limits/provisioned-limiter.ts'
import { rateLimitsOf, windowStatus, BUCKET_MS, SlidingWindow } from '../../limits/deployment-limiter.ts'
import type { PayAsYouGoStatus } from '../../limits/limit-status.ts'
import type { LimitRules, WindowBucket } from './limit-rules.ts'

const known = new WeakMap<DeploymentLimits, LimitRules>()

/** The rules by which Redis keeps limits: the same object for the same limits. */
export function limitRulesOf(limits: DeploymentLimits): LimitRules {
  let rules = known.get(limits)
  if (!rules) known.set(limits, (rules = makeRules(limits)))
  return rules
}

function makeRules(limits: DeploymentLimits): LimitRules {
  if (limits.kind === 'provisioned') {
    const units = limits.plan
    return {
      kind: 'bucket',
      tokensPerMinute: weightedTokensPerMinute(units),
      spanMs: UTILIZATION_SPAN_MS,
      weigh: (used) => weightedTokens(used, units),
      status: (waiting) => provisionedStatus(waiting, units),
    }
  }
  const { plan, profileName } = limits
  const profile = limitProfile(profileName)
  return {
    kind: 'windows',
    tokens: plan.tokens,
    slice: plan.slice,
    correctsEstimate: profile.correctsEstimate,
    remaining: (use) => rateLimitsOf(use, plan, profile),
    status: (buckets, nowMs) => statusOf(buckets, plan, nowMs),
  }
}

function statusOf(buckets: readonly WindowBucket[], plan: LimitPlan, nowMs: number): PayAsYouGoStatus {
  const tokens = new SlidingWindow(TOKENS_WINDOW_MS)
  const requests = new SlidingWindow(REQUESTS_WINDOW_MS)
  const slice = new SlidingWindow(plan.slice.windowMs)
  for (const bucket of buckets) {
    const atMs = bucket.tick * BUCKET_MS
    tokens.add(atMs, bucket.tokens)
    requests.add(atMs, bucket.requests)
    slice.add(atMs, bucket.requests)
  }
  return {
    kind: 'pay-as-you-go',
    tokens: plan.tokens === Infinity ? undefined : windowStatus(tokens, plan.tokens, nowMs),
    requests: windowStatus(slice, plan.slice.requests, nowMs),
    requestsInMinute: windowStatus(requests, plan.requestsPerMinute, nowMs),
  }
}
