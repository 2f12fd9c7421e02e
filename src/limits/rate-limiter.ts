import type { MaybePromise, Codec, Port } from '../lib/port.ts'
import type { Usage } from '../answer/completion.ts'
import type { LimitState } from '../wire/service-headers.ts'
import { type DeploymentLimits, limitsFromText, limitsToText } from './limit-plan.ts'
import type { Utilization } from './occupancy.ts'

/** What a request is taken to cost before anything is known of its answer. */
export interface CostEstimate {
  readonly promptTokens: number
  /** Of all choices together. */
  readonly completionTokens: number
}

/** Whose limits are asked. */
export interface LimitSubject {
  readonly resource: string
  /** The deployment's name. */
  readonly deployment: string
  /** The same object while they stay the same. */
  readonly limits: DeploymentLimits
}

/** What a request asks of the limits of its deployment. */
export interface LimitRequest extends LimitSubject {
  readonly cost: CostEstimate
}

/** How the limits of a deployment stand after a request; what they do not count is absent. */
export interface RemainingLimits {
  readonly requests?: LimitState | undefined
  readonly tokens?: LimitState | undefined
  /** Share of the provisioned throughput that is in use: 1 is 100 %, and it may be more. */
  readonly utilization?: number
}

/** What the limits of a deployment say to a request. */
export type LimitResult<Lease = unknown> =
  | {
      readonly admitted: true
      readonly status: RemainingLimits
      /** Names what was charged. */
      readonly lease: Lease
    }
  | {
      readonly admitted: false
      readonly status: RemainingLimits
      readonly kind: 'token' | 'call'
      /** When the same request would be admitted if no other came, rounded up; a day where waiting does not help. */
      readonly retryAfterMs: number
    }

/** How the limits of a deployment of either kind stand. */
export type LimitStatus = PayAsYouGoStatus | ProvisionedStatus

/**
 * Decides which requests the limits of deployments let in: in this process, or at a place that many processes ask, so that
 * they have one limit together. An answer that is known at once is given without a promise.
 */
export interface RateLimiter<Lease = unknown> {
  /** Admits a request and charges it, or refuses it. */
  decide(request: LimitRequest): MaybePromise<LimitResult<Lease>>
  /** Puts what the request truly used in the place of its estimate; undefined when it used nothing. */
  settle(lease: Lease, usage: Usage | undefined): void
  /**
   * For provisioned deployments: takes cached tokens out of the estimate, as soon as they are known, and gives the utilisation
   * after that; undefined where it is not known.
   */
  discount(lease: Lease, cachedTokens: number): MaybePromise<number | undefined>
  /** How the limits of a deployment stand. Asking charges and changes nothing. */
  status(subject: LimitSubject): MaybePromise<LimitStatus>
  /** The provisioned deployments that had a request, and how much of their throughput is in use, as far as is known here. */
  utilizations?(): Iterable<Utilization>
  /** Forgets what was used: every deployment begins anew. */
  clear?(): MaybePromise<void>
}

export const rateLimiterPort: Port<RateLimiter> = {
  name: 'limits',
  // Answers that tell no usage are never settled, and may not pile up.
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
  // Its requests are lost, and have used nothing.
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

/** How one limit stands. Times in milliseconds from now. */
export interface WindowStatus {
  readonly limit: number
  readonly used: number
  /** Never below 0, although a burst may use more than the limit. */
  readonly remaining: number
  /** The span that it is counted over. */
  readonly windowMs: number
  /** Until one more is let in; 0 where it is now. */
  readonly freeInMs: number
  /** Until all that was used has left the window. */
  readonly emptyInMs: number
}

/** How the limits of a pay-as-you-go deployment stand. */
export interface PayAsYouGoStatus {
  readonly kind: 'pay-as-you-go'
  /** Undefined where tokens are not limited. */
  readonly tokens: WindowStatus | undefined
  /** In the span in which requests are refused. */
  readonly requests: WindowStatus
  /** As the headers tell them. */
  readonly requestsInMinute: WindowStatus
}

/** How a provisioned deployment stands. */
export interface ProvisionedStatus {
  readonly kind: 'provisioned'
  /** Share of the throughput in use: 1 is 100 %. */
  readonly utilization: number
  /** Milliseconds until the next request is let in; 0 where it is now. */
  readonly freeInMs: number
  /** Milliseconds until all work is done. */
  readonly emptyInMs: number
}
