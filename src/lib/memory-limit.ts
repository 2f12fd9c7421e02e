import { availableParallelism, totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'

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
