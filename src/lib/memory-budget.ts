/** What takes up to this size is not counted, in bytes: the number of connections bounds it. */
export const UNCOUNTED_BYTES = 64 * 1024

/** More than any request takes that the service would answer: 2,048 embeddings of 3,072 numbers take 150 MB. */
const MAX_ALONE_BYTES = 256 * 1024 * 1024

/** The memory that large requests and their answers share. */
export class MemoryBudget {
  readonly #limitBytes: () => number
  #takenBytes = 0

  /** @param limitBytes is asked each time, since it may change */
  constructor(limitBytes: () => number) {
    this.#limitBytes = limitBytes
  }

  /** What is taken, in bytes. */
  get takenBytes(): number {
    return this.#takenBytes
  }

  /**
   * Takes memory; false, with nothing taken, where there is not so much. Who is alone gets up to 256 MB in any case, so
   * that no usual request is too large to be answered at all.
   *
   * @param heldBytes what the same request has taken before
   */
  take(bytes: number, heldBytes = 0): boolean {
    const isAlone = this.#takenBytes === heldBytes && bytes <= MAX_ALONE_BYTES
    if (this.#takenBytes + bytes > this.#limitBytes() && !isAlone) return false
    this.#takenBytes += bytes
    return true
  }

  /** Gives back what was taken. */
  give(bytes: number): void {
    this.#takenBytes -= bytes
  }
}
