import type { LimitProfileName } from '../config/deployment-limits.ts'
import type { Deployment } from '../config/deployments.ts'
import type { RateLimits } from '../wire/service-headers.ts'
import type { LimitStanding, ProvisionedStanding } from './limit-standing.ts'
import type { Utilization } from './occupancy.ts'
import type { Usage } from '../answer/completion.ts'

/** What a request is taken to cost before anything is known of its answer. */
export interface CostEstimate {
  readonly promptTokens: number
  /** Of all choices together. */
  readonly completionTokens: number
}

/** What the limits of a deployment say to a request, and how they stand after it. */
export type Decision =
  | {
      readonly admitted: true
      readonly standing: Standing
      /** Puts what the request truly used in the place of its estimate; undefined when it used nothing. */
      settle(usage: Usage | undefined, nowMs: number): void
      /**
       * Takes cached tokens out of the estimate, as soon as they are known, and gives the utilisation after that. Absent
       * where cached tokens are charged like others.
       */
      readonly discount?: (cachedTokens: number, nowMs: number) => number | Promise<number>
    }
  | {
      readonly admitted: false
      readonly standing: Standing
      readonly kind: 'token' | 'call'
      /** When the same request would be admitted if no other came, rounded up; a day where waiting does not help. */
      readonly retryAfterMs: number
    }

/** How the limits of a deployment stand; what they do not count is absent. */
export interface Standing {
  readonly rateLimits?: RateLimits
  /** Share of the provisioned throughput that is in use: 1 is 100 %, and it may be more. */
  readonly utilization?: number
}

/** What a request asks of the limits of its deployment. */
export interface LimitQuestion {
  readonly resource: string
  readonly deployment: Deployment
  readonly profileName: LimitProfileName
  /** What an incident multiplies the deployment's limits by; 1 changes nothing. */
  readonly limitFactor: number
  readonly cost: CostEstimate
}

/**
 * Decides which requests the limits of deployments let in: in this process, or at a place that many processes ask, so that
 * they have one limit together. An answer that is known at once is given without a promise.
 */
export interface LimitAuthority {
  /** Admits a request and charges it, or refuses it; undefined where its deployment has no limits. */
  decide(question: LimitQuestion, nowMs: number): Decision | undefined | Promise<Decision | undefined>
  /** How the limits of a deployment stand; undefined when it has none. Asking charges and changes nothing. */
  standingOf(
    question: Omit<LimitQuestion, 'cost'>,
    nowMs: number,
  ): AnyStanding | undefined | Promise<AnyStanding | undefined>
  /** The provisioned deployments that had a request, and how much of their throughput is in use, as far as is known here. */
  utilizations(nowMs: number): Iterable<Utilization>
  /** Forgets what was used: every deployment begins anew. */
  clear(): void | Promise<void>
}

/** How the limits of a deployment of either kind stand. */
export type AnyStanding = LimitStanding | ProvisionedStanding
