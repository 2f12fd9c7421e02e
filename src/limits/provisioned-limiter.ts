import type { Usage } from '../pipeline/reply.ts'
import type { Decision, Limiter } from './limiter.ts'
import type { CostEstimate } from './request-cost.ts'
import { UtilizationBucket } from './utilization-bucket.ts'

/**
 * How much work 100 % utilisation stands for. Microsoft names no figure; a minute is the span over which the metric of
 * Azure Monitor is taken, and in which the input tokens of a unit are told.
 */
const utilizationSpanMs = 60_000

/** What a provisioned deployment processes. */
export interface ProvisionedPlan {
  readonly units: number
  /** Input tokens that one unit processes in a minute. */
  readonly inputTokensPerMinutePerPtu: number
  /** How many input tokens an output token weighs. */
  readonly outputToInputRatio: number
}

/**
 * The limit of one deployment with provisioned throughput units, after Microsoft's description: a request is refused
 * while the utilisation is at 100 % or above; else its estimate is added, corrected when the answer ends, and the units
 * drain it steadily. There is no limit of requests.
 */
export class ProvisionedLimiter implements Limiter {
  #plan: ProvisionedPlan
  readonly #bucket: UtilizationBucket

  constructor(plan: ProvisionedPlan) {
    this.#plan = plan
    this.#bucket = new UtilizationBucket(weightedTokensPerMinute(plan), utilizationSpanMs)
  }

  /** Takes another number of units; the work that is waiting stays. */
  adapt(plan: ProvisionedPlan, nowMs: number): void {
    this.#plan = plan
    this.#bucket.resize(weightedTokensPerMinute(plan), utilizationSpanMs, nowMs)
  }

  /** Share of the throughput in use. */
  utilization(nowMs: number): number {
    return this.#bucket.utilization(nowMs)
  }

  decide(nowMs: number, cost: CostEstimate): Decision {
    const waitMs = this.#bucket.waitMs(nowMs)
    if (waitMs > 0) {
      const standing = { utilization: this.#bucket.utilization(nowMs) }
      return { admitted: false, kind: 'token', retryAfterMs: Math.min(waitMs, 86_400_000), standing }
    }
    const { outputToInputRatio } = this.#plan
    let charged = cost.promptTokens + outputToInputRatio * cost.completionTokens
    this.#bucket.add(nowMs, charged)
    return {
      admitted: true,
      standing: { utilization: this.#bucket.utilization(nowMs) },
      discount: (cachedTokens, knownMs) => {
        const discounted = Math.max(0, charged - cachedTokens)
        this.#bucket.add(knownMs, discounted - charged)
        charged = discounted
        return this.#bucket.utilization(knownMs)
      },
      settle: (usage, endMs) => this.#bucket.add(endMs, this.#weigh(usage) - charged),
    }
  }

  /** What came from the prompt cache costs nothing (a discount of 100 %). */
  #weigh(usage: Usage | undefined): number {
    if (!usage) return 0
    const { promptTokens, cachedTokens, completionTokens } = usage
    return promptTokens - cachedTokens + this.#plan.outputToInputRatio * completionTokens
  }
}

function weightedTokensPerMinute({ units, inputTokensPerMinutePerPtu }: ProvisionedPlan): number {
  return units * inputTokensPerMinutePerPtu
}
