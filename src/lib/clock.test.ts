import { describe, expect, it } from 'vitest'
import { createSystemClock } from './system-clock.ts'
import { createVirtualClock } from './virtual-clock.ts'

describe('createSystemClock', () => {
  it('runs tasks in due order and never before their time', async () => {
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

  it('leaves the event loop its turn between tasks that are all overdue', async () => {
    const clock = createSystemClock()
    let runs = 0
    let runsBeforeTurn = 0
    await new Promise<void>((resolve) => {
      const again = (): void => {
        if (++runs === 1) {
          setTimeout(() => {
            runsBeforeTurn = runs
            resolve()
          }, 4)
        }
        if (runs < 1_000_000 && runsBeforeTurn === 0) clock.at(clock.nowMs() - 10, again)
      }
      clock.at(clock.nowMs(), again)
    })
    expect(runsBeforeTurn).toBeGreaterThan(0)
    expect(runsBeforeTurn).toBeLessThan(1_000_000)
  })

  it('waits for a time that no timer of Node can wait for', async () => {
    const clock = createSystemClock()
    let ran = false
    const stop = clock.at(clock.nowMs() + 2 ** 40, () => (ran = true))
    await new Promise<void>((resolve) => void clock.at(clock.nowMs() + 10, resolve))
    stop()
    expect(ran).toBe(false)
  })

  it('lets the process end once nobody waits', async () => {
    const clock = createSystemClock()
    const waiting = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = waiting()
    const stopLater = clock.at(clock.nowMs() + 3_600_000, () => {})
    const first = new Promise<void>((resolve) => void clock.at(clock.nowMs() + 2, resolve))
    stopLater()
    await first
    expect(waiting()).toBe(before)
    const stop = clock.at(clock.nowMs() + 3_600_000, () => {})
    expect(waiting()).toBe(before + 1)
    stop()
    expect(waiting()).toBe(before)
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
  it('runs each task at its own time while it is advanced', async () => {
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
