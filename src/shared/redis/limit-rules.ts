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

/** Usage of a pay-as-you-go deployment: tokens and requests of the last minute, and requests of the slice. */
export interface WindowUse {
  readonly tokens: number
  readonly requests: number
  readonly sliceRequests: number
}

/** Usage in a bucket of 100 ms. */
export interface WindowBucket {
  /** The bucket's number: its time in milliseconds, divided by 100. */
  readonly tick: number
  readonly tokens: number
  readonly requests: number
}

/** Limits of a pay-as-you-go deployment, and how its usage is shown. */
export interface WindowRules {
  readonly kind: 'windows'
  /** Tokens per minute. Infinity: no limit. */
  readonly tokens: number
  /** As in the headers. */
  readonly requestsPerMinute: number
  readonly slice: { readonly windowMs: number; readonly requests: number }
  /** Whether the estimate is replaced by the actual usage when the answer ends. */
  readonly correctsEstimate: boolean
  /** Values of the rate-limit headers. */
  remaining(use: WindowUse): RemainingLimits
  /** Status for the admin API. */
  status(buckets: readonly WindowBucket[], nowMs: number): PayAsYouGoStatus
}

/** Limits of a provisioned deployment, and how its usage is shown. */
export interface BucketRules {
  readonly kind: 'bucket'
  /** Weighted tokens that its units process per minute. */
  readonly tokensPerMinute: number
  /** Amount of work that equals 100 %, in milliseconds. */
  readonly spanMs: number
  /** Cost of a request or its usage, in weighted tokens. */
  weigh(used: CostEstimate | Usage): number
  status(weightedTokens: number): ProvisionedStatus
}

/** Limits of a deployment, as the Redis scripts need them. */
export type LimitRules = WindowRules | BucketRules

const cache = new WeakMap<DeploymentLimits, LimitRules>()

/** Returns the rules for limits: the same object for the same limits. */
export function limitRulesOf(limits: DeploymentLimits): LimitRules {
  let rules = cache.get(limits)
  if (!rules) cache.set(limits, (rules = makeRules(limits)))
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
    requestsPerMinute: plan.requestsPerMinute,
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
