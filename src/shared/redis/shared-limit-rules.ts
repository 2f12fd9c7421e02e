import type { LimitProfileName } from '../../config/deployment-limits.ts'
import type { Deployment } from '../../config/deployments.ts'
import { type LimitPlan, limitPlanOf, requestsWindowMs, tokensWindowMs } from '../../limits/limit-plan.ts'
import { limitProfile } from '../../limits/limit-profile.ts'
import {
  provisionedPlanOf,
  provisionedStanding,
  utilizationSpanMs,
  weightedTokens,
  weightedTokensPerMinute,
} from '../../limits/provisioned-limiter.ts'
import { rateLimitsOf } from '../../limits/rate-limits-of.ts'
import { scaleLimits } from '../../limits/scale-limits.ts'
import { bucketMs, SlidingWindow } from '../../limits/sliding-window.ts'
import { windowStanding } from '../../limits/window-standing.ts'
import type { LimitStanding } from '../../limits/limit-standing.ts'
import type { LimitRules, RulesOf, WindowBucket } from './limit-rules.ts'

/** Makes the rules by which Redis keeps limits, of those by which this process does. */
export function createSharedLimitRules(): RulesOf {
  const known = new WeakMap<
    Deployment,
    { readonly profileName: LimitProfileName; readonly rules: LimitRules | undefined }
  >()
  return ({ deployment, profileName, limitFactor }) => {
    const limited = scaleLimits(deployment, limitFactor)
    const found = known.get(limited)
    if (found?.profileName === profileName) return found.rules
    const rules = rulesOf(limited, profileName)
    known.set(limited, { profileName, rules })
    return rules
  }
}

function rulesOf(deployment: Deployment, profileName: LimitProfileName): LimitRules | undefined {
  const units = provisionedPlanOf(deployment)
  if (units) {
    return {
      kind: 'bucket',
      tokensPerMinute: weightedTokensPerMinute(units),
      spanMs: utilizationSpanMs,
      weigh: (used) => weightedTokens(used, units),
      standing: (waiting) => provisionedStanding(waiting, units),
    }
  }
  const plan = limitPlanOf(deployment)
  if (!plan) return undefined
  const profile = limitProfile(profileName)
  return {
    kind: 'windows',
    tokens: plan.tokens,
    slice: plan.slice,
    correctsEstimate: profile.correctsEstimate,
    rateLimits: (use) => rateLimitsOf(use, plan, profile),
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
