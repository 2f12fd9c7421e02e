import type { Clock, StopTimer } from './clock.ts'
import { DueQueue } from './due-queue.ts'

/** Twice the resolution of Node's timers; half of it is the mean delay that pacing by ticks adds. */
const tickMs = 2

/** The clock of the machine. All its tasks share one timer. */
export function createSystemClock(): Clock {
  const queue = new DueQueue(tickMs)
  const nowMs = (): number => performance.now()
  let timer: NodeJS.Timeout | undefined
  let wakeMs = Infinity

  const wakeUp = (): void => {
    wakeMs = Infinity
    for (let dueMs = queue.nextDueMs(); dueMs !== undefined && dueMs <= nowMs(); dueMs = queue.nextDueMs()) {
      for (const task of queue.takeFirst()) task()
    }
    arm()
  }

  const arm = (): void => {
    const dueMs = queue.nextDueMs()
    if (dueMs === undefined || dueMs >= wakeMs) return
    wakeMs = dueMs
    clearTimeout(timer)
    // setTimeout counts from the loop's own, slightly older time and would fire up to a millisecond early.
    timer = setTimeout(wakeUp, Math.ceil(dueMs - nowMs()))
  }

  return {
    nowMs,
    epochMs: () => Date.now(),
    at(dueMs: number, task: () => void): StopTimer {
      const stop = queue.add(dueMs, task)
      arm()
      return stop
    },
  }
}
