import { availableParallelism, totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'

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
  get reservedBytes(): number {
    return this.#takenBytes
  }

  /**
   * Takes memory; false, with nothing taken, where there is not so much. Who is alone gets up to 256 MB in any case, so
   * that no usual request is too large to be answered at all.
   *
   * @param heldBytes what the same request has taken before
   */
  tryReserve(bytes: number, heldBytes = 0): boolean {
    const isAlone = this.#takenBytes === heldBytes && bytes <= MAX_ALONE_BYTES
    if (this.#takenBytes + bytes > this.#limitBytes() && !isAlone) return false
    this.#takenBytes += bytes
    return true
  }

  /** Gives back what was taken. */
  release(bytes: number): void {
    this.#takenBytes -= bytes
  }
}

const BYTES_PER_MEGABYTE = 1024 * 1024

/** Room for 32 bodies of 32 MB at once. */
const MAX_MEGABYTES = 1_024

/** What a process may take, in bytes. */
export interface MemoryLimits {
  /** Of the container, or of the machine where that is less. */
  readonly totalBytes: number
  /** Of V8's heap. */
  readonly heapBytes: number
}

/**
 * Megabytes that the large requests and answers of a process may take where nobody says: a quarter of the memory that it
 * may have, half of its heap, and 1,024 at most. The rest is for garbage, which V8 lets pile up to as much again, and for
 * what a process takes at rest.
 *
 * @param processes how many share the memory
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
  // 0, or more than any machine has, where nothing limits the container.
  const container = process.constrainedMemory() || Infinity
  return { totalBytes: Math.min(container, totalmem()), heapBytes: getHeapStatistics().heap_size_limit }
}
