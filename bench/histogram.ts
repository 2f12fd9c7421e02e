/** Steps of a factor: each value is told to 3 %. */
const stepsPerDoubling = 24
/** Everything below counts as this, in the unit of the values. */
const least = 0.01

/** Counts values of any number in little memory, and tells their quantiles to 3 %. */
export class Histogram {
  readonly #counts: number[] = []
  #count = 0

  get count(): number {
    return this.#count
  }

  add(value: number): void {
    const step = Math.ceil(Math.log2(Math.max(1, value / least)) * stepsPerDoubling)
    this.#counts[step] = (this.#counts[step] ?? 0) + 1
    this.#count += 1
  }

  /** The value that a share of the values does not exceed; NaN without values. */
  quantile(share: number): number {
    let left = share * this.#count
    for (const [step, count] of this.#counts.entries()) {
      left -= count ?? 0
      if (left <= 0 && count) return least * 2 ** (step / stepsPerDoubling)
    }
    return NaN
  }
}
