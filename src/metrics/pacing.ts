import type { PacingWatch } from '../pipeline/exchange.ts'
import { DurationSeries } from './duration-series.ts'

/** Upper bounds of the buckets for lateness, in seconds: from the tick of the clock to a loop that has fallen far behind. */
const latenessBounds: readonly number[] = [
  0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]

/** What was sent at a planned time, by its part. */
export type Part = Parameters<PacingWatch['sent']>[0]

const millisecondsPerSecond = 1_000

/** Counts how late the planned parts of answers were sent, for the whole simulator: plain counters, no labels to look up. */
export class Pacing implements PacingWatch {
  readonly series: Readonly<Record<Part, DurationSeries>> = {
    'first-token': new DurationSeries(latenessBounds),
    token: new DurationSeries(latenessBounds),
    answer: new DurationSeries(latenessBounds),
  }
  readonly #onSent: (lateMs: number, nowMs: number) => void

  /** @param onSent hears of every part that was sent */
  constructor(onSent: (lateMs: number, nowMs: number) => void) {
    this.#onSent = onSent
  }

  sent(part: Part, lateMs: number, nowMs: number): void {
    this.series[part].observe(lateMs / millisecondsPerSecond)
    this.#onSent(lateMs, nowMs)
  }
}
