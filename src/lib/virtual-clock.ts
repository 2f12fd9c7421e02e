import type { Clock } from './clock.ts'
import { DueQueue } from './queues.ts'
import { yieldToEventLoop } from './real-timers.ts'

/** A clock that stands still until it is moved. */
export interface VirtualClock extends Clock {
  /** Moves the time forward, running each task at its due time, promises that the tasks settle included. */
  advance(byMs: number): Promise<void>
}

/** Finer than any due time that is computed from rounded figures, so that tasks run at their own time. */
const TICK_MS = 0.001

/**
 * Makes a clock for tests and for users who want to cross a minute at once.
 *
 * @param startEpochMs the timestamp that clients see at the start
 */
export function createVirtualClock(startEpochMs = Date.UTC(2026, 0, 1)): VirtualClock {
  const queue = new DueQueue(TICK_MS)
  let elapsedMs = 0

  return {
    nowMs: () => elapsedMs,
    epochMs: () => startEpochMs + elapsedMs,
    at: (dueMs, task) => queue.add(Math.max(dueMs, elapsedMs), task),
    async advance(byMs) {
      const targetMs = elapsedMs + byMs
      // An iteration of the event loop runs every promise job that is ready, and those that they make ready.
      await yieldToEventLoop()
      for (
        let dueMs = queue.nextDueMs();
        dueMs !== undefined && dueMs <= targetMs;
        dueMs = queue.nextDueMs()
      ) {
        elapsedMs = Math.max(elapsedMs, dueMs)
        queue.runFirst()
        await yieldToEventLoop()
      }
      // Of two that overlap, the one that ends first must not be turned back by the other.
      elapsedMs = Math.max(elapsedMs, targetMs)
    },
  }
}
