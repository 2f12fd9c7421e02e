/** Waits from here on are counted in steps of 1 %; shorter ones in whole milliseconds. */
const exactBelowMs = 100
const stepsPerNeper = 100

/** How long waits were. Bounded: waits of up to ten minutes fall into fewer than 1,000 steps. */
export class WaitHistogram {
  readonly #counts = new Map<number, number>()
  #count = 0
  #minMs = Infinity
  #maxMs = 0

  add(waitMs: number): void {
    const step =
      waitMs < exactBelowMs
        ? Math.round(waitMs)
        : exactBelowMs + Math.round(Math.log(waitMs / exactBelowMs) * stepsPerNeper)
    this.#counts.set(step, (this.#counts.get(step) ?? 0) + 1)
    this.#count++
    this.#minMs = Math.min(this.#minMs, waitMs)
    this.#maxMs = Math.max(this.#maxMs, waitMs)
  }

  /** Adds what another one has counted. */
  absorb(other: WaitHistogram): void {
    for (const [step, count] of other.#counts) this.#counts.set(step, (this.#counts.get(step) ?? 0) + count)
    this.#count += other.#count
    this.#minMs = Math.min(this.#minMs, other.#minMs)
    this.#maxMs = Math.max(this.#maxMs, other.#maxMs)
  }

  /** The shortest and the longest wait, exactly, and the median to within 1 %; undefined without any. */
  get summary(): { minMs: number; medianMs: number; maxMs: number } | undefined {
    if (this.#count === 0) return undefined
    const medianMs = Math.min(this.#maxMs, Math.max(this.#minMs, this.#median()))
    return { minMs: this.#minMs, medianMs, maxMs: this.#maxMs }
  }

  #median(): number {
    let left = Math.ceil(this.#count / 2)
    for (const [step, count] of [...this.#counts].sort(([a], [b]) => a - b)) {
      left -= count
      if (left > 0) continue
      return step < exactBelowMs ? step : exactBelowMs * Math.exp((step - exactBelowMs) / stepsPerNeper)
    }
    return 0
  }
}
