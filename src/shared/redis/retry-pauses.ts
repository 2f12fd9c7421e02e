import type { Clock } from '../../lib/clock.ts'

/** A connection that worked for so long was a good one: the next attempt is made at once. */
const provenMs = 1_000

/** Pauses between attempts: from the shorter one, doubled each time, to the longer one. */
const shortestMs = 100
const longestMs = 1_000

/** When to try again: at once after a connection that has worked for a while, then after pauses that grow to a second. */
export class RetryPauses {
  readonly #clock: Pick<Clock, 'nowMs'>
  readonly #random: () => number
  #attempts = 0
  #worksSinceMs: number | undefined

  constructor(clock: Pick<Clock, 'nowMs'>, random: () => number = Math.random) {
    this.#clock = clock
    this.#random = random
  }

  /** Notes that the connection works from now on. */
  works(): void {
    this.#worksSinceMs = this.#clock.nowMs()
  }

  /** How long to wait before the next attempt, in milliseconds. Spread, so that many simulators do not come at once. */
  next(): number {
    if (this.#worksSinceMs !== undefined && this.#clock.nowMs() - this.#worksSinceMs >= provenMs) {
      this.#attempts = 0
    }
    this.#worksSinceMs = undefined
    const attempt = this.#attempts++
    if (attempt === 0) return 0
    return Math.min(shortestMs * 2 ** Math.min(attempt - 1, 10), longestMs) * (0.75 + this.#random() / 2)
  }
}
