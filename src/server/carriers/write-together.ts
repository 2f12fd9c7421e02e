import { Batch } from '../../lib/batch.ts'
import { nextTick } from '../../lib/real-timers.ts'

/** Beyond so many, the first ones would wait for the rendering of the last. */
const mostTogether = 64

const writes = new Batch<() => void>(nextTick, (write) => write(), mostTogether)

/**
 * Calls `write`, which must not throw, after all else that is ready in this go. Parts of answers that are written in a row
 * cost half as much: the first write wakes the client's process, and the system does the others while it is awake.
 */
export function writeTogether(write: () => void): void {
  writes.add(write)
}
