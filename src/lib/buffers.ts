import { yieldToEventLoop } from './real-timers.ts'

/** Views bytes as a Buffer, without copying them. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

let slices: Promise<unknown> = Promise.resolve()

/**
 * Yields to the event loop between two slices of long work. All long work together does one slice in each iteration,
 * however many requests ask for it: what holds up the others is then one slice, and never the sum of them.
 */
export function nextSlice(): Promise<unknown> {
  slices = slices.then(yieldToEventLoop)
  return slices
}
