/** Bodies up to this size are not counted, in bytes: the number of connections bounds them. */
export const uncountedBytes = 64 * 1024

/** The memory that the large bodies of all open requests share. */
export class BodyRoom {
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

  /** Takes room; false, with nothing taken, where there is not so much. */
  take(bytes: number): boolean {
    if (this.#takenBytes + bytes > this.#limitBytes()) return false
    this.#takenBytes += bytes
    return true
  }

  /** Gives back what was taken. */
  give(bytes: number): void {
    this.#takenBytes -= bytes
  }
}
