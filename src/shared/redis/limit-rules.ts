import type {
  CostEstimate,
  RemainingLimits,
  PayAsYouGoStatus,
  ProvisionedStatus,
} from '../../limits/rate-limiter.ts'
import type { Usage } from '../../answer/completion.ts'
import {
  type DeploymentLimits,
  type LimitPlan,
  REQUESTS_WINDOW_MS,
  TOKENS_WINDOW_MS,
  limitProfile,
} from '../../limits/limit-plan.ts'
import {
  provisionedStatus,
  UTILIZATION_WINDOW_MS,
  weightedTokens,
  weightedTokensPerMinute,
} from '../../limits/provisioned-limiter.ts'
import { rateLimitsOf, windowStatus, BUCKET_MS, SlidingWindow } from '../../limits/deployment-limiter.ts'

/** What is used of the limits of a pay-as-you-go deployment: tokens and requests of the minute, and requests of the slice. */
export interface WindowUse {
  readonly tokens: number
  readonly requests: number
  readonly sliceRequests: number
}

/** What a bucket of 100 ms holds. */
export interface WindowBucket {
  /** The bucket's number: its time in milliseconds, divided by 100. */
  readonly tick: number
  readonly tokens: number
  readonly requests: number
}

/** How a pay-as-you-go deployment is limited, and what is told of it. */
export interface WindowRules {
  readonly kind: 'windows'
  /** Tokens in a minute; Infinity where they are not limited. */
  readonly tokens: number
  readonly slice: { readonly windowMs: number; readonly requests: number }
  /** Whether a request is charged with its true usage when its answer ends. */
  readonly correctsEstimate: boolean
  /** What the rate-limit headers show. */
  remaining(use: WindowUse): RemainingLimits
  /** What the admin API shows. */
  status(buckets: readonly WindowBucket[], nowMs: number): PayAsYouGoStatus
}

/** How a provisioned deployment is limited, and what is told of it. */
export interface BucketRules {
  readonly kind: 'bucket'
  /** Weighted tokens that its units process in a minute. */
  readonly tokensPerMinute: number
  /** How much work 100 % stands for, in milliseconds. */
  readonly spanMs: number
  /** What a request or its usage counts for, in weighted tokens. */
  weigh(used: CostEstimate | Usage): number
  status(weightedTokens: number): ProvisionedStatus
}

/** The limits of a deployment in the form in which Redis keeps them. */
export type LimitRules = WindowRules | BucketRules

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
      spanMs: UTILIZATION_WINDOW_MS,
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
