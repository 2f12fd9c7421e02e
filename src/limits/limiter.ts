import type { CostEstimate, Decision } from './limit-authority.ts'

/** The limits of one deployment, and what is used of them. */
export interface Limiter {
  /** Admits a request and charges it, or refuses it. */
  decide(nowMs: number, cost: CostEstimate): Decision
}
