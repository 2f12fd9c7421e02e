/**
 * Upper bounds of the buckets for the time to an answer, in seconds: from an embedding (tens of milliseconds) to a
 * long answer of a reasoning model (two minutes).
 */
export const answerBounds: readonly number[] = [
  0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120,
]

/** The same with finer ones below, for the simulator's own work, which is to take well below 10 ms. */
export const workBounds: readonly number[] = [0.0005, 0.001, 0.0025, 0.005, ...answerBounds]

/**
 * The durations of one set of labels. Kept here rather than in prom-client, which hashes the labels on every
 * `observe`, on that of a resolved child too: 350 ns, for three histograms a request.
 */
export class DurationSeries {
  readonly bounds: readonly number[]
  /** How many fell into each bucket, not cumulated; the last one is for those beyond all bounds. */
  readonly counts: Float64Array
  count = 0
  sumSeconds = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
  }

  observe(seconds: number): void {
    const { bounds, counts } = this
    let index = 0
    while (index < bounds.length && seconds > (bounds[index] ?? Infinity)) index++
    counts[index] = (counts[index] ?? 0) + 1
    this.count++
    this.sumSeconds += seconds
  }
}
