interface Told {
  readonly atMs: number
  readonly task: () => void
}

/** Longer than a notice is under way from a worker that has much to do. */
export const heldMs = 200

/**
 * Puts what several processes tell into the order in which it happened: a client may have read an answer of one worker, and
 * sent its retry to another, before the first one's notice is here.
 */
export class InOrder {
  readonly #nowMs: () => number
  #told: Told[] = []
  #isWaiting = false

  /** @param nowMs the time that `add` is told in */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** Runs a task once all that happened before it must have been told. */
  add(atMs: number, task: () => void): void {
    this.#told.push({ atMs, task })
    this.#wait()
  }

  /** Runs all that was told, for somebody who knows that nothing earlier is under way. */
  runAll(): void {
    this.#run(Infinity)
  }

  #wait(): void {
    if (this.#isWaiting) return
    this.#isWaiting = true
    setTimeout(() => {
      this.#isWaiting = false
      this.#run(this.#nowMs() - heldMs)
      if (this.#told.length > 0) this.#wait()
    }, heldMs)
  }

  #run(untilMs: number): void {
    const due = this.#told.filter(({ atMs }) => atMs <= untilMs)
    this.#told = this.#told.filter(({ atMs }) => atMs > untilMs)
    for (const { task } of due.sort((a, b) => a.atMs - b.atMs)) task()
  }
}
