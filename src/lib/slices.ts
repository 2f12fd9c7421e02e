import { yieldToEventLoop } from './real-timers.ts'

let slices: Promise<unknown> = Promise.resolve()

/**
 * Yields to the event loop between two slices of long work. All long work together does one slice in each iteration,
 * however many requests ask for it: what holds up the others is then one slice, and never the sum of them.
 */
export function nextSlice(): Promise<unknown> {
  slices = slices.then(yieldToEventLoop)
  return slices
}
