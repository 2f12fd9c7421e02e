import type { Deployment } from '../config/deployments.ts'
import type { Usage } from '../answer/completion.ts'
import type { CostEstimate, LimitResult, ProvisionedStatus } from './rate-limiter.ts'

/**
 * The work that is 100 % utilization, as a duration. Microsoft does not document it. A minute is the interval of the metric in Azure
 * Monitor and of the documented input tokens per unit.
 */
export const UTILIZATION_WINDOW_MS = 60_000

/** Throughput of a provisioned deployment. */
export interface ProvisionedPlan {
  readonly units: number
  /** Input tokens that one unit processes in a minute. */
  readonly inputTokensPerMinutePerPtu: number
  /** Weight of an output token, in input tokens. */
  readonly outputToInputRatio: number
}

/** The charge of a request to a provisioned deployment. */
export interface BucketCharge {
  readonly limiter: ProvisionedLimiter
  /** In weighted tokens. */
  charged: number
}

/**
 * The limit of a deployment with provisioned throughput units, as documented by Microsoft: a request is rejected while the
 * utilization is 100 % or higher. Otherwise its estimate is added, and corrected when the answer ends. The units reduce the
 * utilization steadily. Requests are not limited.
 */
export class ProvisionedLimiter {
  #plan: ProvisionedPlan
  readonly #bucket: UtilizationBucket

  constructor(plan: ProvisionedPlan) {
    this.#plan = plan
    this.#bucket = new UtilizationBucket(weightedTokensPerMinute(plan), UTILIZATION_WINDOW_MS)
  }

  /** Changes the number of units. The pending work remains. */
  updateLimits(plan: ProvisionedPlan, nowMs: number): void {
    this.#plan = plan
    this.#bucket.resize(weightedTokensPerMinute(plan), UTILIZATION_WINDOW_MS, nowMs)
  }

  /** Share of the throughput in use. */
  utilization(nowMs: number): number {
    return this.#bucket.utilization(nowMs)
  }

  /**
   * Status of the throughput. Does not charge anything.
   *
   * @param plan the current units, if no request has used them yet
   */
  status(nowMs: number, plan: ProvisionedPlan = this.#plan): ProvisionedStatus {
    return provisionedStatus(this.#bucket.level(nowMs), plan)
  }

  /** Admits a request and charges it, or rejects it. */
  decide(nowMs: number, cost: CostEstimate): LimitResult<BucketCharge> {
    const waitMs = this.#bucket.waitMs(nowMs)
    if (waitMs > 0) {
      const status = { utilization: this.#bucket.utilization(nowMs) }
      return { admitted: false, kind: 'token', retryAfterMs: Math.min(waitMs, 86_400_000), status }
    }
    const charged = weightedTokens(cost, this.#plan)
    this.#bucket.add(nowMs, charged)
    return {
      admitted: true,
      status: { utilization: this.#bucket.utilization(nowMs) },
      lease: { limiter: this, charged },
    }
  }

  /** Removes cached tokens from a charge, and returns the new utilization. */
  discount(charge: BucketCharge, cachedTokens: number, nowMs: number): number {
    const discounted = Math.max(0, charge.charged - cachedTokens)
    this.#bucket.add(nowMs, discounted - charge.charged)
    charge.charged = discounted
    return this.#bucket.utilization(nowMs)
  }

  /** Replaces the charge of a request with its usage; undefined means no usage. */
  settle({ charged }: BucketCharge, usage: Usage | undefined, nowMs: number): void {
    this.#bucket.add(nowMs, (usage ? weightedTokens(usage, this.#plan) : 0) - charged)
  }
}

/** The weighted tokens of a request or its usage. Tokens from the prompt cache are free (a discount of 100 %). */
export function weightedTokens(used: CostEstimate | Usage, { outputToInputRatio }: ProvisionedPlan): number {
  const cachedTokens = 'cachedTokens' in used ? used.cachedTokens : 0
  return used.promptTokens - cachedTokens + outputToInputRatio * used.completionTokens
}

/** Status of the throughput for an amount of pending work in weighted tokens. */
export function provisionedStatus(pending: number, plan: ProvisionedPlan): ProvisionedStatus {
  const limit = weightedTokensPerMinute(plan)
  const overMs = ((pending - limit) * UTILIZATION_WINDOW_MS) / limit
  return {
    kind: 'provisioned',
    utilization: pending / limit,
    freeInMs: overMs < 0 ? 0 : Math.floor(overMs) + 1,
    emptyInMs: (pending * UTILIZATION_WINDOW_MS) / limit,
  }
}

/** The throughput of a deployment; undefined if it is not provisioned. */
export function provisionedPlanOf({
  provisionedThroughputUnits: units,
  model,
}: Deployment): ProvisionedPlan | undefined {
  return units !== undefined && model.provisioned ? { units, ...model.provisioned } : undefined
}

/** Throughput of all units per minute, in weighted tokens. */
export function weightedTokensPerMinute({ units, inputTokensPerMinutePerPtu }: ProvisionedPlan): number {
  return units * inputTokensPerMinutePerPtu
}

/**
 * The utilization of a provisioned deployment: a leaky bucket, as documented by Microsoft ("a variation of the leaky bucket algorithm
 * to maintain utilization below 100% while allowing some burstiness").
 *
 * Levels are in weighted tokens: input, plus output times the output-to-input ratio of the model. 100 % is the throughput of the
 * units in `windowMs`.
 */
export class UtilizationBucket {
  #capacity: number
  #drainPerMs: number
  #level = 0
  #lastMs = 0

  /**
   * @param tokensPerMinute throughput of the units, in weighted tokens
   * @param windowMs the work that is 100 %, as a duration
   */
  constructor(tokensPerMinute: number, windowMs: number) {
    this.#drainPerMs = tokensPerMinute / 60_000
    this.#capacity = this.#drainPerMs * windowMs
  }

  /** Changes the number of units. The pending work remains. */
  resize(tokensPerMinute: number, windowMs: number, nowMs: number): void {
    this.#drain(nowMs)
    this.#drainPerMs = tokensPerMinute / 60_000
    this.#capacity = this.#drainPerMs * windowMs
  }

  /** Utilization as a share. 1 is 100 %; a burst can exceed it. */
  utilization(nowMs: number): number {
    this.#drain(nowMs)
    return this.#capacity === 0 ? 1 : this.#level / this.#capacity
  }

  /** Pending work in weighted tokens. */
  level(nowMs: number): number {
    this.#drain(nowMs)
    return this.#level
  }

  /** Milliseconds until the utilization is below 100 %; 0 if it is now. */
  waitMs(nowMs: number): number {
    this.#drain(nowMs)
    const excess = this.#level - this.#capacity
    if (excess < 0) return 0
    // A request is rejected at exactly 100 %, so the wait is rounded up to below 100 %.
    return this.#drainPerMs === 0 ? Infinity : Math.floor(excess / this.#drainPerMs) + 1
  }

  /** Adds work; a negative amount corrects an estimate. The level is at least 0. */
  add(nowMs: number, weightedTokens: number): void {
    this.#drain(nowMs)
    this.#level = Math.max(0, this.#level + weightedTokens)
  }

  #drain(nowMs: number): void {
    if (nowMs <= this.#lastMs) return
    this.#level = Math.max(0, this.#level - (nowMs - this.#lastMs) * this.#drainPerMs)
    this.#lastMs = nowMs
  }
}
