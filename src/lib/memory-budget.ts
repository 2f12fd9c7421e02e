import { availableParallelism, totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'

/** Smaller bodies do not count in a budget. Their memory is limited by the number of connections. */
export const UNCOUNTED_BYTES = 64 * 1024

/** Exceeds every request that the service answers: 2,048 embeddings of 3,072 numbers need 150 MB. */
const MAX_SINGLE_REQUEST_BYTES = 256 * 1024 * 1024

/** The memory that large requests and their answers share. */
export class MemoryBudget {
  readonly #limitBytes: () => number
  #reservedBytes = 0

  /** @param limitBytes called for each reservation, since the limit can change */
  constructor(limitBytes: () => number) {
    this.#limitBytes = limitBytes
  }

  /** Reserved memory in bytes. */
  get reservedBytes(): number {
    return this.#reservedBytes
  }

  /**
   * Reserves memory, or returns false and reserves nothing if the limit would be exceeded. A single request can always reserve up
   * to 256 MB, so that no valid request is too large to be answered.
   *
   * @param heldBytes what the same request has reserved before
   */
  tryReserve(bytes: number, heldBytes = 0): boolean {
    const isAlone = this.#reservedBytes === heldBytes && bytes <= MAX_SINGLE_REQUEST_BYTES
    if (this.#reservedBytes + bytes > this.#limitBytes() && !isAlone) return false
    this.#reservedBytes += bytes
    return true
  }

  /** Releases reserved memory. */
  release(bytes: number): void {
    this.#reservedBytes -= bytes
  }
}

const BYTES_PER_MEGABYTE = 1024 * 1024

/** Room for 32 concurrent bodies of 32 MB. */
const MAX_MEGABYTES = 1_024

/** Memory limits of a process, in bytes. */
export interface MemoryLimits {
  /** Of the container or of the machine, whichever is less. */
  readonly totalBytes: number
  /** Of the V8 heap. */
  readonly heapBytes: number
}

/**
 * Default budget of a process in megabytes: a quarter of its memory, but at most half of its heap and at most 1,024. The rest is
 * for garbage, which V8 lets grow to the same size, and for the base memory of the process.
 *
 * @param processes number of processes that share the memory
 */
export function budgetMegabytes(
  processes: number | 'auto',
  { totalBytes, heapBytes }: MemoryLimits = memoryLimits(),
): number {
  const share = totalBytes / (processes === 'auto' ? availableParallelism() : processes)
  return Math.max(
    1,
    Math.min(MAX_MEGABYTES, Math.floor(Math.min(share / 4, heapBytes / 2) / BYTES_PER_MEGABYTE)),
  )
}

function memoryLimits(): MemoryLimits {
  // Without a container limit, Node.js returns 0 or a huge number.
  const container = process.constrainedMemory() || Infinity
  return { totalBytes: Math.min(container, totalmem()), heapBytes: getHeapStatistics().heap_size_limit }
}
