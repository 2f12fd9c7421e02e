import type { Clock, StopTimer } from './clock.ts'
import { DueQueue } from './queues.ts'
import { clearTimeout, defer, epochMs, monotonicMs, setTimeout } from './real-timers.ts'

/** Twice the resolution of Node's timers; half of it is the mean delay that pacing by ticks adds. */
const TICK_MS = 2

/** Node fires a timer at once whose delay does not fit into 31 bits (24 days); a day is woken from and slept on. */
const MAX_SLEEP_MS = 86_400_000

/** The clock of the machine. All its tasks share one timer. */
export function createSystemClock(): Clock {
  const queue = new DueQueue(TICK_MS)
  const nowMs = monotonicMs
  let timer: NodeJS.Timeout | undefined
  let wakeMs = Infinity

  const wakeUp = (): void => {
    wakeMs = Infinity
    // The time is read once: tasks that become due while others run wait for the next turn of the event loop. A loop
    // that is behind would else never come back to its sockets, and neither take requests nor notice who left.
    const untilMs = nowMs()
    for (let dueMs = queue.nextDueMs(); dueMs !== undefined && dueMs <= untilMs; dueMs = queue.nextDueMs()) {
      queue.runFirst()
    }
    arm()
  }

  const arm = (): void => {
    const dueMs = queue.nextDueMs()
    // A timer that nobody waits for must not keep the process from ending.
    if (dueMs === undefined || dueMs >= wakeMs || queue.isIdle) return
    wakeMs = dueMs
    clearTimeout(timer)
    const sleepMs = dueMs - nowMs()
    // A timer takes a millisecond at least, which a loop that is behind does not have.
    if (sleepMs <= 0) defer(wakeUp)
    // setTimeout counts from the loop's own, slightly older time and would fire up to a millisecond early.
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
