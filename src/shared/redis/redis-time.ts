import type { Clock } from '../../lib/clock.ts'

/** A measurement that is older counts no longer: clocks of machines drift by some microseconds in a second. */
const FRESH_MS = 10_000

/**
 * The time of Redis, which all machines have in common, measured whenever it tells its time with an answer. The best of the
 * last seconds counts: it was sent, at most, half of its round trip before or after the middle of that.
 */
export class RedisTime {
  readonly #clock: Clock
  #offsetMs: number
  #roundTripMs = Infinity
  #atMs = -Infinity

  /** @param clock until Redis has told its time, that of this machine counts */
  constructor(clock: Clock) {
    this.#clock = clock
    this.#offsetMs = clock.epochMs() - clock.nowMs()
  }

  /** How far two machines may be apart that both measure as well as this one. */
  get errorMs(): number {
    return this.#roundTripMs === Infinity ? 0 : this.#roundTripMs
  }

  /** Redis has told its time, in milliseconds since 1970. @param sentMs when it was asked, by the clock */
  measured(sentMs: number, toldMs: number): void {
    const nowMs = this.#clock.nowMs()
    const roundTripMs = nowMs - sentMs
    if (roundTripMs > this.#roundTripMs && nowMs - this.#atMs < FRESH_MS) return
    this.#roundTripMs = roundTripMs
    this.#atMs = nowMs
    this.#offsetMs = toldMs - (sentMs + nowMs) / 2
  }

  /** What time it was there, in milliseconds since 1970, at a time of the clock. */
  at(ms: number): number {
    return ms + this.#offsetMs
  }
}
