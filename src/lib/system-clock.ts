import type { Clock, StopTimer } from './clock.ts'
import { DueQueue } from './queues.ts'
import { clearTimeout, defer, epochMs, monotonicMs, setTimeout } from './real-timers.ts'

/** Twice the resolution of Node.js timers. Tasks are late by 1 ms on average. */
const TICK_MS = 2

/** Node.js fires a timer immediately if its delay exceeds 31 bits (24 days), so longer delays use several timers. */
const MAX_SLEEP_MS = 86_400_000

/** The real clock. All its tasks share one timer. */
export function createSystemClock(): Clock {
  const queue = new DueQueue(TICK_MS)
  const nowMs = monotonicMs
  let timer: NodeJS.Timeout | undefined
  let wakeMs = Infinity

  const wakeUp = (): void => {
    wakeMs = Infinity
    // The time is read once: tasks that become due meanwhile wait for the next event-loop iteration. Otherwise an overloaded
    // process would never read its sockets, and would not notice requests and disconnects.
    const untilMs = nowMs()
    for (let dueMs = queue.nextDueMs(); dueMs !== undefined && dueMs <= untilMs; dueMs = queue.nextDueMs()) {
      queue.runFirst()
    }
    arm()
  }

  const arm = (): void => {
    const dueMs = queue.nextDueMs()
    // A timer without a waiting task must not keep the process alive.
    if (dueMs === undefined || dueMs >= wakeMs || queue.isIdle) return
    wakeMs = dueMs
    clearTimeout(timer)
    const sleepMs = dueMs - nowMs()
    // A timer takes at least 1 ms, which is too long for overdue tasks.
    if (sleepMs <= 0) defer(wakeUp)
    // Rounded up: setTimeout counts from the start of the event-loop iteration and could fire up to 1 ms early.
    else timer = setTimeout(wakeUp, Math.min(MAX_SLEEP_MS, Math.ceil(sleepMs)))
  }

  return {
    nowMs,
    epochMs,
    at(dueMs: number, task: () => void): StopTimer {
      const stop = queue.add(dueMs, task)
      arm()
      return () => {
        stop()
        if (!queue.isIdle) return
        clearTimeout(timer)
        wakeMs = Infinity
      }
    },
  }
}
