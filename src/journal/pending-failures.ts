const MAX_PENDING_PER_CLIENT = 1_000
/** Older failures are dropped. No limit asks for a longer wait, since limits count over one minute. */
export const MAX_PENDING_AGE_MS = 600_000

/** Failures of equal requests, by the attempt that the client stated. */
type Queues = Map<number | undefined, FailureQueue>

/**
 * Failures of one client that have not been retried yet, by request fingerprint. When the limit is reached, the oldest failure is
 * evicted. Look-ups take constant time, however many equal requests have failed.
 */
export class PendingFailures {
  readonly #byRequest = new Map<string, Queues>()
  #size = 0

  get size(): number {
    return this.#size
  }

  add(fingerprint: string, failure: Failure): void {
    this.#evict(failure.endedMs - MAX_PENDING_AGE_MS)
    const queues: Queues = this.#byRequest.get(fingerprint) ?? new Map<number | undefined, FailureQueue>()
    this.#byRequest.set(fingerprint, queues)
    const queue = queues.get(failure.attempt) ?? new FailureQueue()
    queues.set(failure.attempt, queue)
    queue.add(failure)
    this.#size++
  }

  /**
   * Returns the oldest failure that a request can be a retry of: its answer had ended when the request started. Each failure is
   * matched once. If the client counts its attempts, the failure must be that of the previous attempt.
   */
  take(fingerprint: string, startedMs: number, attempt: number | undefined): Failure | undefined {
    const queues = this.#byRequest.get(fingerprint)
    if (!queues) return undefined
    this.#dropBefore(fingerprint, queues, startedMs - MAX_PENDING_AGE_MS)
    const found = attempt ? queues.get(attempt - 1)?.oldest : oldestUnmatched(queues)
    const queue = found && queues.get(found.attempt)
    if (!queue || found.endedMs > startedMs) return undefined
    // By its count this is a new request, so the retry of that failure may still come.
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

  /** Drops expired failures, and the oldest failure if the limit is reached. Walks the requests from the oldest on. */
  #evict(beforeMs: number): void {
    for (const [fingerprint, queues] of this.#byRequest) {
      this.#dropBefore(fingerprint, queues, beforeMs)
      if (this.#size < MAX_PENDING_PER_CLIENT) {
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

/** A failed answer that the client may retry. */
export interface Failure {
  /** The entry of the failed request. */
  readonly id: number
  /** The status, or `cut` if a fault cut the connection. */
  readonly status: string
  /** Number of earlier requests in the same chain of retries: 0 for a first attempt. */
  readonly index: number
  /** The attempt that the client stated: 0 for the first one. Undefined if it stated none. */
  readonly attempt: number | undefined
  /** End of the answer on the monotonic clock. */
  readonly endedMs: number
  /** The wait in the `retry-after` headers. Undefined without one. */
  readonly toldMs: number | undefined
}

/**
 * Failures of equal requests that stated the same attempt, in the order of their ends. The first `#repeated` of them were matched
 * with a request that stated to be new, and wait for their actual retry.
 */
class FailureQueue {
  readonly #failures: Failure[] = []
  #repeated = 0

  get size(): number {
    return this.#failures.length
  }

  get oldest(): Failure | undefined {
    return this.#failures[0]
  }

  /** The oldest one that was not matched with a request. */
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

  /** Marks the oldest unmatched one as matched and keeps it for its actual retry. */
  matchOldest(): void {
    this.#repeated++
  }
}
