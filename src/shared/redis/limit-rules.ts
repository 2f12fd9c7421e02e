import type { CostEstimate, RemainingLimits } from '../../limits/rate-limiter.ts'
import type { PayAsYouGoStatus, ProvisionedStatus } from '../../limits/limit-status.ts'
import type { Usage } from '../../answer/completion.ts'

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
