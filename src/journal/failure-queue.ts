/** An answer that failed, which its client may repeat. */
export interface Failure {
  /** The entry of the failed request. */
  readonly id: number
  /** Its status, or `cut` for a connection that a fault cut. */
  readonly status: string
  /** How many requests of the same chain of retries came before: 0 for a first attempt. */
  readonly index: number
  /** What the client said of its attempt: 0 for the first one; undefined where it says nothing. */
  readonly attempt: number | undefined
  /** When the answer had been sent, on the clock's monotonic scale. */
  readonly endedMs: number
  /** How long the answer told to wait; undefined where it did not. */
  readonly toldMs: number | undefined
}

/**
 * Failures of equal requests that called themselves the same attempt, in the order of their ends. A request that calls
 * itself new may be matched with a failure whose own retry is still to come: the first `#repeated` ones are such.
 */
export class FailureQueue {
  readonly #failures: Failure[] = []
  #repeated = 0

  get size(): number {
    return this.#failures.length
  }

  /** The oldest one. */
  get oldest(): Failure | undefined {
    return this.#failures[0]
  }

  /** The oldest one that no request has been matched with. */
  get oldestUnmatched(): Failure | undefined {
    return this.#failures[this.#repeated]
  }

  add(failure: Failure): void {
    this.#failures.push(failure)
  }

  removeOldest(): void {
    this.#failures.shift()
    if (this.#repeated > 0) this.#repeated--
  }

  removeOldestUnmatched(): void {
    this.#failures.splice(this.#repeated, 1)
  }

  /** Keeps the oldest unmatched one for its own retry, and gives it to no other. */
  matchOldest(): void {
    this.#repeated++
  }
}
