import type { MaybePromise, Codec, Port } from '../lib/port.ts'
import type { Usage } from '../answer/completion.ts'
import type { LimitState } from '../wire/service-headers.ts'
import {
  type DeploymentLimits,
  type LimitPlan,
  limitsFromText,
  limitsRequests,
  limitsToText,
} from './limit-plan.ts'

/** Estimated cost of a request, before its answer is known. */
export interface CostEstimate {
  readonly promptTokens: number
  /** Sum over all choices. */
  readonly completionTokens: number
}

/** A deployment with its limits. */
export interface LimitSubject {
  /** Identity of the resource (`ResourceConfig.id`). */
  readonly resource: string
  /** Name of the deployment. */
  readonly deployment: string
  /** The same object while the limits are unchanged. */
  readonly limits: DeploymentLimits
}

/** A request to a limited deployment. */
export interface LimitRequest extends LimitSubject {
  readonly cost: CostEstimate
}

/** Remaining limits of a deployment after a request. Absent fields are not limited. */
export interface RemainingLimits {
  readonly requests?: LimitState | undefined
  readonly tokens?: LimitState | undefined
  /** Share of the provisioned throughput in use. 1 is 100 %; it can be higher. */
  readonly utilization?: number
}

/** Whether a request is admitted. */
export type LimitResult<Lease = unknown> =
  | {
      readonly admitted: true
      readonly status: RemainingLimits
      /** Identifies the charge. */
      readonly lease: Lease
    }
  | {
      readonly admitted: false
      readonly status: RemainingLimits
      readonly kind: 'token' | 'call'
      /** When the same request would be admitted without other requests, rounded up. A day if it exceeds the whole limit. */
      readonly retryAfterMs: number
    }

/** Status of the limits of a deployment. */
export type LimitStatus = PayAsYouGoStatus | ProvisionedStatus

/**
 * Applies the limits of deployments, in this process or shared by several processes. Results that are available immediately are
 * returned without a promise.
 */
export interface RateLimiter<Lease = unknown> {
  /** Admits a request and charges it, or rejects it. */
  decide(request: LimitRequest): MaybePromise<LimitResult<Lease>>
  /** Replaces the estimate with the actual usage; undefined if the request failed and used nothing. */
  settle(lease: Lease, usage: Usage | undefined): void
  /**
   * For provisioned deployments: removes cached tokens from the estimate as soon as they are known. Returns the new utilization;
   * undefined if it is unknown.
   */
  discount(lease: Lease, cachedTokens: number): MaybePromise<number | undefined>
  /** Status of the limits of a deployment. Does not charge anything. */
  status(subject: LimitSubject): MaybePromise<LimitStatus>
  /** Use of the limits of a deployment, for metrics: cheaper than `status`. Absent in a worker, since the primary has the state. */
  use?(subject: LimitSubject): MaybePromise<LimitUse>
  /** Resets the usage of all deployments. */
  clear?(): MaybePromise<void>
  /** Removes the usage that this process stores for other resources than these identities. */
  retainResources?(ids: ReadonlySet<string>): void
}

/** A limiter with the state in this process or in Redis. */
export type ReadableLimiter = RateLimiter & Required<Pick<RateLimiter, 'use'>>

/** Returns whether this process can read the use of the limits. A worker cannot. */
export function isReadable(limiter: RateLimiter): limiter is ReadableLimiter {
  return limiter.use !== undefined
}

export const rateLimiterPort: Port<RateLimiter> = {
  name: 'limits',
  // Answers without usage are never settled, so their leases must be limited.
  maxLeases: 100_000,
  methods: {
    decide: {
      kind: 'request',
      lease: 'opens',
      args: withLimitsAsText<LimitRequest>(),
    },
    settle: { kind: 'notification', lease: 'ends' },
    discount: { kind: 'request', lease: 'uses' },
    status: { kind: 'request', args: withLimitsAsText<LimitSubject>() },
  },
  // Requests of a process that has exited count as failed.
  releaseLease: (limiter, lease) => limiter.settle(lease, undefined),
}

function withLimitsAsText<T extends LimitSubject>(): Codec<[T]> {
  return {
    encode: ([{ limits, ...request }]) => ({ ...request, limits: limitsToText(limits) }),
    decode: (sent: object & { readonly limits: string }) => [
      { ...sent, limits: limitsFromText(sent.limits) } as unknown as T,
    ],
  }
}

/** Status of one limit. Times are in milliseconds from now. */
export interface WindowStatus {
  readonly limit: number
  readonly used: number
  /** At least 0, also if a burst has used more than the limit. */
  readonly remaining: number
  /** Length of the window. */
  readonly windowMs: number
  /** Until one more is admitted; 0 if it is admitted now. */
  readonly freeInMs: number
  /** Until the window is empty. */
  readonly emptyInMs: number
}

/** Use of the limits of a deployment. */
export type LimitUse =
  | {
      readonly kind: 'pay-as-you-go'
      /** In the last minute. Undefined if tokens are not limited. */
      readonly tokens: LimitAmount | undefined
      /** In the last minute. Undefined if requests are not limited. */
      readonly requests: LimitAmount | undefined
    }
  /** The share of the throughput in use: 1 is 100 %. */
  | { readonly kind: 'provisioned'; readonly utilization: number }

/** A limit and its use. */
export interface LimitAmount {
  readonly limit: number
  /** More than the limit after a burst. */
  readonly used: number
}

/** Returns the use of a pay-as-you-go deployment. */
export function payAsYouGoUse(
  plan: Pick<LimitPlan, 'tokens' | 'requestsPerMinute'>,
  used: { readonly tokens: number; readonly requests: number },
): LimitUse {
  const { tokens, requestsPerMinute } = plan
  return {
    kind: 'pay-as-you-go',
    tokens: tokens === Infinity ? undefined : { limit: tokens, used: used.tokens },
    requests: limitsRequests(plan) ? { limit: requestsPerMinute, used: used.requests } : undefined,
  }
}

/** Status of a pay-as-you-go deployment. */
export interface PayAsYouGoStatus {
  readonly kind: 'pay-as-you-go'
  /** Undefined if tokens are not limited. */
  readonly tokens: WindowStatus | undefined
  /** In the enforced window (the slice of a minute). */
  readonly requests: WindowStatus
  /** In a minute, as in the headers. */
  readonly requestsInMinute: WindowStatus
}

/** Status of a provisioned deployment. */
export interface ProvisionedStatus {
  readonly kind: 'provisioned'
  /** Share of the throughput in use: 1 is 100 %. */
  readonly utilization: number
  /** Milliseconds until the next request is admitted; 0 if it is admitted now. */
  readonly freeInMs: number
  /** Milliseconds until the utilization is 0. */
  readonly emptyInMs: number
}
