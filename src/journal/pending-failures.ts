/** How many failures are kept of one client. */
const PENDING_ROOM = 1_000
/** How long: ten minutes is longer than any wait of the limits, which count over a minute. */
export const PENDING_MS = 600_000

/** The queues of equal requests by what they said of their attempt. */
type Queues = Map<number | undefined, FailureQueue>

/**
 * The failures of one client that nobody has repeated yet, by the fingerprint of their requests. When there is no room, the
 * oldest ones go. Every look-up is short, however many equal requests have failed.
 */
export class PendingFailures {
  readonly #byRequest = new Map<string, Queues>()
  #size = 0

  get size(): number {
    return this.#size
  }

  add(fingerprint: string, failure: Failure): void {
    this.#makeRoom(failure.endedMs - PENDING_MS)
    const queues: Queues = this.#byRequest.get(fingerprint) ?? new Map<number | undefined, FailureQueue>()
    this.#byRequest.set(fingerprint, queues)
    const queue = queues.get(failure.attempt) ?? new FailureQueue()
    queues.set(failure.attempt, queue)
    queue.add(failure)
    this.#size++
  }

  /**
   * The oldest failure that a request may repeat: its answer had ended when the request began. Each failure is matched once.
   * A client that counts its attempts repeats the failure of the attempt before.
   */
  take(fingerprint: string, startedMs: number, attempt: number | undefined): Failure | undefined {
    const queues = this.#byRequest.get(fingerprint)
    if (!queues) return undefined
    this.#dropBefore(fingerprint, queues, startedMs - PENDING_MS)
    const found = attempt ? queues.get(attempt - 1)?.oldest : oldestUnmatched(queues)
    const queue = found && queues.get(found.attempt)
    if (!queue || found.endedMs > startedMs) return undefined
    // A new request: the retry of that failure may still come.
    if (attempt === 0 && found.attempt !== undefined) queue.matchOldest()
    else {
      if (attempt) queue.removeOldest()
      else queue.removeOldestUnmatched()
      this.#size--
      this.#tidy(fingerprint, queues)
    }
    return found
  }

  clear(): void {
    this.#byRequest.clear()
    this.#size = 0
  }

  /** Drops what is too old, request by request from the oldest on, and the oldest where there is no room for another. */
  #makeRoom(beforeMs: number): void {
    for (const [fingerprint, queues] of this.#byRequest) {
      this.#dropBefore(fingerprint, queues, beforeMs)
      if (this.#size < PENDING_ROOM) {
        if (queues.size > 0) return
        continue
      }
      const [queue] = queues.values()
      queue?.removeOldest()
      this.#size--
      this.#tidy(fingerprint, queues)
      return
    }
  }

  #dropBefore(fingerprint: string, queues: Queues, beforeMs: number): void {
    for (const queue of queues.values()) {
      while (queue.oldest && queue.oldest.endedMs < beforeMs) {
        queue.removeOldest()
        this.#size--
      }
    }
    this.#tidy(fingerprint, queues)
  }

  #tidy(fingerprint: string, queues: Queues): void {
    for (const [attempt, queue] of queues) if (queue.size === 0) queues.delete(attempt)
    if (queues.size === 0) this.#byRequest.delete(fingerprint)
  }
}

function oldestUnmatched(queues: Queues): Failure | undefined {
  let oldest: Failure | undefined
  for (const queue of queues.values()) {
    const first = queue.oldestUnmatched
    if (first && first.endedMs < (oldest?.endedMs ?? Infinity)) oldest = first
  }
  return oldest
}

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
class FailureQueue {
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
