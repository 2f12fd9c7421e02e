import type { DeploymentLimits } from '../../limits/deployment-limits.ts'
import { type LimitPlan, requestsWindowMs, tokensWindowMs, limitProfile } from '../../limits/limit-plan.ts'
import {
  provisionedStanding,
  utilizationSpanMs,
  weightedTokens,
  weightedTokensPerMinute,
} from '../../limits/provisioned-limiter.ts'
import { rateLimitsOf, windowStanding, bucketMs, SlidingWindow } from '../../limits/deployment-limiter.ts'
import type { LimitStanding } from '../../limits/limit-standing.ts'
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
      spanMs: utilizationSpanMs,
      weigh: (used) => weightedTokens(used, units),
      standing: (waiting) => provisionedStanding(waiting, units),
    }
  }
  const { plan, profileName } = limits
  const profile = limitProfile(profileName)
  return {
    kind: 'windows',
    tokens: plan.tokens,
    slice: plan.slice,
    correctsEstimate: profile.correctsEstimate,
    status: (use) => rateLimitsOf(use, plan, profile),
    standing: (buckets, nowMs) => standingOf(buckets, plan, nowMs),
  }
}

function standingOf(buckets: readonly WindowBucket[], plan: LimitPlan, nowMs: number): LimitStanding {
  const tokens = new SlidingWindow(tokensWindowMs)
  const requests = new SlidingWindow(requestsWindowMs)
  const slice = new SlidingWindow(plan.slice.windowMs)
  for (const bucket of buckets) {
    const atMs = bucket.tick * bucketMs
    tokens.add(atMs, bucket.tokens)
    requests.add(atMs, bucket.requests)
    slice.add(atMs, bucket.requests)
  }
  return {
    kind: 'pay-as-you-go',
    tokens: plan.tokens === Infinity ? undefined : windowStanding(tokens, plan.tokens, nowMs),
    requests: windowStanding(slice, plan.slice.requests, nowMs),
    requestsInMinute: windowStanding(requests, plan.requestsPerMinute, nowMs),
  }
}
