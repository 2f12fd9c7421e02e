import type { Deployment } from '../config/deployments.ts'
import type { Usage } from '../answer/completion.ts'
import type { CostEstimate, LimitResult, ProvisionedStatus } from './rate-limiter.ts'

/**
 * How much work 100 % utilisation stands for. Microsoft names no figure; a minute is the span over which the metric of
 * Azure Monitor is taken, and in which the input tokens of a unit are told.
 */
export const UTILIZATION_WINDOW_MS = 60_000

/** What a provisioned deployment processes. */
export interface ProvisionedPlan {
  readonly units: number
  /** Input tokens that one unit processes in a minute. */
  readonly inputTokensPerMinutePerPtu: number
  /** How many input tokens an output token weighs. */
  readonly outputToInputRatio: number
}

/** What a request was charged. */
export interface BucketCharge {
  readonly limiter: ProvisionedLimiter
  /** In weighted tokens. */
  charged: number
}

/**
 * The limit of one deployment with provisioned throughput units, after Microsoft's description: a request is refused
 * while the utilisation is at 100 % or above; else its estimate is added, corrected when the answer ends, and the units
 * drain it steadily. There is no limit of requests.
 */
export class ProvisionedLimiter {
  #plan: ProvisionedPlan
  readonly #bucket: UtilizationBucket

  constructor(plan: ProvisionedPlan) {
    this.#plan = plan
    this.#bucket = new UtilizationBucket(weightedTokensPerMinute(plan), UTILIZATION_WINDOW_MS)
  }

  /** Takes another number of units; the work that is waiting stays. */
  updateLimits(plan: ProvisionedPlan, nowMs: number): void {
    this.#plan = plan
    this.#bucket.resize(weightedTokensPerMinute(plan), UTILIZATION_WINDOW_MS, nowMs)
  }

  /** Share of the throughput in use. */
  utilization(nowMs: number): number {
    return this.#bucket.utilization(nowMs)
  }

  /**
   * How the throughput stands; nothing is charged by asking.
   *
   * @param plan the units to tell it by, where they are newer than those that requests were last judged by
   */
  status(nowMs: number, plan: ProvisionedPlan = this.#plan): ProvisionedStatus {
    return provisionedStatus(this.#bucket.level(nowMs), plan)
  }

  /** Admits a request and charges it, or refuses it. */
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

  /** Takes cached tokens out of a charge, and gives the utilisation after that. */
  discount(charge: BucketCharge, cachedTokens: number, nowMs: number): number {
    const discounted = Math.max(0, charge.charged - cachedTokens)
    this.#bucket.add(nowMs, discounted - charge.charged)
    charge.charged = discounted
    return this.#bucket.utilization(nowMs)
  }

  /** Puts what a request used in the place of its charge; undefined: nothing. */
  settle({ charged }: BucketCharge, usage: Usage | undefined, nowMs: number): void {
    this.#bucket.add(nowMs, (usage ? weightedTokens(usage, this.#plan) : 0) - charged)
  }
}

/** What a request or its usage counts for, in weighted tokens. What came from the prompt cache costs nothing (a discount of 100 %). */
export function weightedTokens(used: CostEstimate | Usage, { outputToInputRatio }: ProvisionedPlan): number {
  const cachedTokens = 'cachedTokens' in used ? used.cachedTokens : 0
  return used.promptTokens - cachedTokens + outputToInputRatio * used.completionTokens
}

/** Tells how throughput stands when so much work is waiting, in weighted tokens. */
export function provisionedStatus(waiting: number, plan: ProvisionedPlan): ProvisionedStatus {
  const limit = weightedTokensPerMinute(plan)
  const overMs = ((waiting - limit) * UTILIZATION_WINDOW_MS) / limit
  return {
    kind: 'provisioned',
    utilization: waiting / limit,
    freeInMs: overMs < 0 ? 0 : Math.floor(overMs) + 1,
    emptyInMs: (waiting * UTILIZATION_WINDOW_MS) / limit,
  }
}

/** The throughput of a deployment; undefined where none is provisioned. */
export function provisionedPlanOf({
  provisionedThroughputUnits: units,
  model,
}: Deployment): ProvisionedPlan | undefined {
  return units !== undefined && model.provisioned ? { units, ...model.provisioned } : undefined
}

/** What all units process in a minute, in weighted tokens. */
export function weightedTokensPerMinute({ units, inputTokensPerMinutePerPtu }: ProvisionedPlan): number {
  return units * inputTokensPerMinutePerPtu
}

/**
 * The utilisation of a provisioned deployment: a leaky bucket that requests fill and time empties, after Microsoft's
 * description of provisioned throughput ("a variation of the leaky bucket algorithm to maintain utilization below
 * 100% while allowing some burstiness").
 *
 * Levels are in weighted tokens: input, plus output times the model's output-to-input ratio. At 100 % the bucket holds
 * what the units process in `spanMs`.
 */
export class UtilizationBucket {
  #capacity: number
  #drainPerMs: number
  #level = 0
  #lastMs = 0

  /**
   * @param tokensPerMinute weighted tokens that the units process in a minute
   * @param spanMs how much work 100 % stands for, in milliseconds
   */
  constructor(tokensPerMinute: number, spanMs: number) {
    this.#drainPerMs = tokensPerMinute / 60_000
    this.#capacity = this.#drainPerMs * spanMs
  }

  /** Takes another number of units; the work that is waiting stays. */
  resize(tokensPerMinute: number, spanMs: number, nowMs: number): void {
    this.#drain(nowMs)
    this.#drainPerMs = tokensPerMinute / 60_000
    this.#capacity = this.#drainPerMs * spanMs
  }

  /** Utilisation as a share: 1 is 100 %; a burst may push it past that. */
  utilization(nowMs: number): number {
    this.#drain(nowMs)
    return this.#capacity === 0 ? 1 : this.#level / this.#capacity
  }

  /** Work that is waiting, in weighted tokens. */
  level(nowMs: number): number {
    this.#drain(nowMs)
    return this.#level
  }

  /** Milliseconds until the utilisation is below 100 %; 0 when it is. */
  waitMs(nowMs: number): number {
    this.#drain(nowMs)
    const excess = this.#level - this.#capacity
    if (excess < 0) return 0
    // A level of exactly 100 % still refuses, so the wait reaches just below.
    return this.#drainPerMs === 0 ? Infinity : Math.floor(excess / this.#drainPerMs) + 1
  }

  /** Adds work, or takes some back when an estimate was too high; never below nothing. */
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
