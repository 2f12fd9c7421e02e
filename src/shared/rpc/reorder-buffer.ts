interface Told {
  readonly atMs: number
  readonly task: () => void
}

/** How long notices are collected before all processes are asked whether there are more. */
export const HELD_MS = 200

/**
 * Puts what several processes tell into the order in which it happened: a client may have read an answer of one worker, and
 * sent its retry to another, before the first one's notice is here.
 */
export class ReorderBuffer {
  readonly #nowMs: () => number
  readonly #hearAll: () => Promise<unknown>
  #told: Told[] = []
  #isWaiting = false

  /**
   * @param nowMs the time that `add` is told in
   * @param hearAll ends when all that has happened by now has been told; never rejects
   */
  constructor(nowMs: () => number, hearAll: () => Promise<unknown>) {
    this.#nowMs = nowMs
    this.#hearAll = hearAll
  }

  /** Runs a task once all that happened before it has been told. */
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
    setTimeout(() => void this.#catchUp(), HELD_MS)
  }

  async #catchUp(): Promise<void> {
    const nowMs = this.#nowMs()
    await this.#hearAll()
    this.#isWaiting = false
    this.#run(nowMs)
    if (this.#told.length > 0) this.#wait()
  }

  #run(untilMs: number): void {
    const due = this.#told.filter(({ atMs }) => atMs <= untilMs)
    this.#told = this.#told.filter(({ atMs }) => atMs > untilMs)
    for (const { task } of due.sort((a, b) => a.atMs - b.atMs)) task()
  }
}
