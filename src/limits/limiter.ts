import type { RateLimits } from '../openai/service-headers.ts'
import type { Usage } from '../pipeline/reply.ts'
import type { CostEstimate } from './request-cost.ts'

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
      readonly discount?: (cachedTokens: number, nowMs: number) => number
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

/** The limits of one deployment, and what is used of them. */
export interface Limiter {
  /** Admits a request and charges it, or refuses it. */
  decide(nowMs: number, cost: CostEstimate): Decision
}
