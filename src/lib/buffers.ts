import { yieldToEventLoop } from './real-timers.ts'

/** Views bytes as a Buffer, without copying them. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

let lastSlice: Promise<unknown> = Promise.resolve()

/**
 * Yields to the event loop between two slices of long work. All callers share a queue, so each event-loop iteration runs one
 * slice, however many requests have long work.
 */
export function nextSlice(): Promise<unknown> {
  lastSlice = lastSlice.then(yieldToEventLoop)
  return lastSlice
}
