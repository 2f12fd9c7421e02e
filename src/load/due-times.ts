/** A queue of times at which requests were due, the first one first. Taking is quick, however many wait. */
export class DueTimes {
  readonly #times: number[] = []
  #taken = 0

  add(dueMs: number): void {
    this.#times.push(dueMs)
  }

  /** The time that has waited longest. */
  take(): number | undefined {
    const dueMs = this.#times[this.#taken]
    if (dueMs === undefined) return undefined
    this.#taken += 1
    if (this.#taken > 1_000 && this.#taken * 2 > this.#times.length) {
      this.#times.splice(0, this.#taken)
      this.#taken = 0
    }
    return dueMs
  }

  /** How many of those that wait were due at a time or later. */
  countFrom(dueMs: number): number {
    return this.#times.slice(this.#taken).filter((time) => time >= dueMs).length
  }
}
