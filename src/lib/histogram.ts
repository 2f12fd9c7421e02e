/** Resolution of a histogram. */
export interface HistogramOptions {
  /** Relative width of a bucket, such as 0.01 for 1 %. A quantile is off by at most half of it. */
  readonly precision: number
  /** Quantiles are at least this. Must be positive. */
  readonly lowest: number
}

/**
 * Counts values in buckets of constant relative width.
 *
 * Memory depends on the range of the values, not on their number: at most about 2,300 / (precision in %) buckets for ten powers of ten.
 */
export class Histogram {
  readonly #logWidth: number
  readonly #lowest: number
  readonly #buckets = new Map<number, number>()
  #count = 0
  #min = Infinity
  #max = -Infinity

  constructor({ precision, lowest }: HistogramOptions) {
    this.#logWidth = Math.log1p(precision)
    this.#lowest = lowest
  }

  get count(): number {
    return this.#count
  }

  /** The smallest value, exact. Infinity without values. */
  get min(): number {
    return this.#min
  }

  /** The largest value, exact. -Infinity without values. */
  get max(): number {
    return this.#max
  }

  record(value: number): void {
    this.#add(Math.round(Math.log(Math.max(1, value / this.#lowest)) / this.#logWidth), 1)
    this.#min = Math.min(this.#min, value)
    this.#max = Math.max(this.#max, value)
  }

  /** Adds the values of another histogram with the same resolution. */
  merge(other: Histogram): void {
    for (const [bucket, count] of other.#buckets) this.#add(bucket, count)
    this.#min = Math.min(this.#min, other.#min)
    this.#max = Math.max(this.#max, other.#max)
  }

  /** The value that a share of the values, from 0 to 1, does not exceed. NaN without values. */
  quantile(share: number): number {
    const [value = NaN] = this.quantiles([share])
    return value
  }

  /** Quantiles of ascending shares, in one pass. */
  quantiles(shares: readonly number[]): number[] {
    const buckets = [...this.#buckets].sort(([a], [b]) => a - b)
    let passed = 0
    let next = -1
    return shares.map((share) => {
      while (next < 0 || (passed < share * this.#count && next < buckets.length - 1)) {
        next += 1
        passed += buckets[next]?.[1] ?? 0
      }
      const middle = this.#lowest * Math.exp((buckets[next]?.[0] ?? NaN) * this.#logWidth)
      return Math.max(this.#lowest, Math.min(this.#max, Math.max(this.#min, middle)))
    })
  }

  #add(bucket: number, count: number): void {
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + count)
    this.#count += count
  }
}
