import type { Clock } from './clock.ts'
import { DueQueue } from './queues.ts'
import { yieldToEventLoop } from './real-timers.ts'

/** A clock that advances only when `advance` is called. */
export interface VirtualClock extends Clock {
  /** Advances the time. Runs each task at its due time, and the promise callbacks that follow from it. */
  advance(byMs: number): Promise<void>
}

/** Finer than all computed due times, so that each task runs at its exact time. */
const TICK_MS = 0.001

/**
 * Creates a clock for tests and for users who want to skip time.
 *
 * @param startEpochMs `epochMs` at the start; default: 2026-01-01 UTC
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
      // One event-loop iteration runs all promise callbacks that are ready, and those that they make ready.
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
      // Of two overlapping calls, the later end counts.
      elapsedMs = Math.max(elapsedMs, targetMs)
    },
  }
}
