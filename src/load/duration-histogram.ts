import { createHistogram } from 'node:perf_hooks'

/** How long something took, in milliseconds. */
export interface Durations {
  readonly count: number
  readonly p50: number
  readonly p90: number
  readonly p95: number
  readonly p99: number
  readonly max: number
}

/** Collects durations in bounded room, to three figures, however many there are. */
export interface DurationHistogram {
  /** Takes a duration in milliseconds; up to an hour and a half. */
  record(durationMs: number): void
  /** Undefined before the first duration. */
  summary(): Durations | undefined
}

/** Resolution, in milliseconds. */
const stepMs = 0.01
const longestSteps = (90 * 60_000) / stepMs

/** Makes an empty histogram. */
export function createDurationHistogram(): DurationHistogram {
  const histogram = createHistogram({ lowest: 1, highest: longestSteps, figures: 3 })
  const ms = (steps: number): number => Math.round(steps * stepMs * 100) / 100
  return {
    record(durationMs) {
      // Node's histogram begins at one step; what is shorter is as good as none.
      histogram.record(Math.min(longestSteps, Math.max(1, Math.round(durationMs / stepMs))))
    },
    summary() {
      if (histogram.count === 0) return undefined
      return {
        count: histogram.count,
        p50: ms(histogram.percentile(50)),
        p90: ms(histogram.percentile(90)),
        p95: ms(histogram.percentile(95)),
        p99: ms(histogram.percentile(99)),
        max: ms(histogram.max),
      }
    },
  }
}
