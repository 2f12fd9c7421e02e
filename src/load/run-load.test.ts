import { describe, expect, it } from 'vitest'
import { keepPace } from './run-load.ts'

/** Starts a pace with a clock that the test controls. */
function startPace(perSecond: number) {
  let nowMs = 1_000
  const timers: { action: () => void; atMs: number }[] = []
  const due: number[] = []
  const pace = keepPace({
    perSecond,
    now: () => nowMs,
    later: (action, delayMs) => {
      timers.push({ action, atMs: nowMs + delayMs })
      return () => timers.splice(0)
    },
    onDue: (dueMs) => due.push(dueMs),
  })
  const pass = (toMs: number, lateMs = 0): void => {
    for (let [timer] = timers; timer && timer.atMs + lateMs <= toMs; [timer] = timers) {
      timers.shift()
      nowMs = timer.atMs + lateMs
      timer.action()
    }
    nowMs = toMs
  }
  return { pace, due, pass }
}

describe('a pace', () => {
  it('calls at even intervals from its start', () => {
    const { due, pass } = startPace(4)
    pass(2_000)
    expect(due).toEqual([1_000, 1_250, 1_500, 1_750, 2_000])
  })

  it('catches up after late timers, with the due time of each call', () => {
    const { due, pass } = startPace(100)
    pass(2_000, 35)
    expect(due.length).toBeGreaterThanOrEqual(97)
    expect(due.slice(0, 5)).toEqual([1_000, 1_010, 1_020, 1_030, 1_040])
  })

  it('does not call after it is stopped', () => {
    const { pace, due, pass } = startPace(10)
    pace.stop()
    pass(5_000)
    expect(due).toEqual([1_000])
  })
})
