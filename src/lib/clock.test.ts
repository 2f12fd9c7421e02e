import { describe, expect, it, vi } from 'vitest'
import type * as RealTimers from './real-timers.ts'
import { createSystemClock } from './system-clock.ts'
import { createVirtualClock } from './virtual-clock.ts'

/** Timers of the clock that have not fired. Other timers of the process, such as those of the test runner, do not count. */
const activeTimers = vi.hoisted(() => new Set<NodeJS.Timeout>())

vi.mock('./real-timers.ts', async (importOriginal) => {
  const timers = await importOriginal<typeof RealTimers>()
  return {
    ...timers,
    setTimeout: (run: () => void, delayMs: number) => {
      const timer = timers.setTimeout(() => {
        activeTimers.delete(timer)
        run()
      }, delayMs)
      activeTimers.add(timer)
      return timer
    },
    clearTimeout: (timer: NodeJS.Timeout) => {
      activeTimers.delete(timer)
      timers.clearTimeout(timer)
    },
  }
})

describe('createSystemClock', () => {
  it('runs tasks in the order of their due times and never early', async () => {
    const clock = createSystemClock()
    const startMs = clock.nowMs()
    const seen: string[] = []
    await new Promise<void>((resolve) => {
      clock.at(startMs + 20, () => {
        seen.push('late')
        expect(clock.nowMs()).toBeGreaterThanOrEqual(startMs + 20)
        resolve()
      })
      clock.at(startMs + 5, () => {
        seen.push('early')
        expect(clock.nowMs()).toBeGreaterThanOrEqual(startMs + 5)
      })
    })
    expect(seen).toEqual(['early', 'late'])
  })

  it('yields to the event loop between overdue tasks', async () => {
    const clock = createSystemClock()
    let runs = 0
    let runsBeforeTimeout = 0
    await new Promise<void>((resolve) => {
      const again = (): void => {
        if (++runs === 1) {
          setTimeout(() => {
            runsBeforeTimeout = runs
            resolve()
          }, 4)
        }
        if (runs < 1_000_000 && runsBeforeTimeout === 0) clock.at(clock.nowMs() - 10, again)
      }
      clock.at(clock.nowMs(), again)
    })
    expect(runsBeforeTimeout).toBeGreaterThan(0)
    expect(runsBeforeTimeout).toBeLessThan(1_000_000)
  })

  it('waits for a delay above the maximum of a Node.js timer (24 days)', async () => {
    const clock = createSystemClock()
    let ran = false
    const stop = clock.at(clock.nowMs() + 2 ** 40, () => (ran = true))
    await new Promise<void>((resolve) => void clock.at(clock.nowMs() + 10, resolve))
    stop()
    expect(ran).toBe(false)
  })

  it('has no timer while no task is waiting, so that the process can end', async () => {
    const clock = createSystemClock()
    const stopLater = clock.at(clock.nowMs() + 3_600_000, () => {})
    const first = new Promise<void>((resolve) => void clock.at(clock.nowMs() + 2, resolve))
    stopLater()
    await first
    expect(activeTimers.size).toBe(0)
    const stop = clock.at(clock.nowMs() + 3_600_000, () => {})
    expect(activeTimers.size).toBe(1)
    stop()
    expect(activeTimers.size).toBe(0)
  })

  it('does not run a stopped task', async () => {
    const clock = createSystemClock()
    let ran = false
    const stop = clock.at(clock.nowMs() + 2, () => (ran = true))
    stop()
    await new Promise<void>((resolve) => void clock.at(clock.nowMs() + 10, resolve))
    expect(ran).toBe(false)
  })
})

describe('createVirtualClock', () => {
  it('runs each task at its due time while it is advanced', async () => {
    const clock = createVirtualClock(0)
    const seen: number[] = []
    clock.at(30, () => seen.push(clock.nowMs()))
    clock.at(10, () => {
      seen.push(clock.epochMs())
      clock.at(20, () => seen.push(clock.nowMs()))
    })
    await clock.advance(25)
    expect(seen).toEqual([10, 20])
    expect(clock.nowMs()).toBe(25)
    await clock.advance(5)
    expect(seen).toEqual([10, 20, 30])
  })
})
