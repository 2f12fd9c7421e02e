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
