import { performance } from 'node:perf_hooks'
import { scheduler } from 'node:timers/promises'

/*
 * Time and timers of Node.js that keep working in a test with fake timers. Test runners (vi.useFakeTimers, mock.timers) replace the
 * globals and the members of node:timers.
 */

/**
 * Resolves in the next iteration of the event loop, after what is ready now. Test runners replace setImmediate everywhere, and
 * none replaces `scheduler.yield`, so it works even where fake timers were installed before this module was loaded. It takes as long.
 */
export const yieldToEventLoop: () => Promise<void> = scheduler.yield.bind(scheduler)

/** Calls back in the next iteration of the event loop. `run` must not throw. */
export function defer(run: () => void): void {
  void yieldToEventLoop().then(run)
}

// The functions at load time. They are real if this module is loaded before fake timers are installed.
const { setTimeout, clearTimeout, setInterval, clearInterval } = globalThis
export { setTimeout, clearTimeout, setInterval, clearInterval }

/** `process.nextTick`. */
export const nextTick: (run: () => void) => void = process.nextTick.bind(process)

/** Milliseconds on a monotonic scale. */
export const monotonicMs: () => number = performance.now.bind(performance)

/** Milliseconds since 1970-01-01 UTC. */
export const epochMs: () => number = Date.now
