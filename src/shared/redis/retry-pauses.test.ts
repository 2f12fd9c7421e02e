import { describe, expect, it } from 'vitest'
import { RetryPauses } from './redis-connection.ts'

/** Pauses on a clock that a test sets; chance gives the middle. */
function pausesAt(random = 0.5) {
  const clock = { ms: 0, nowMs: () => clock.ms }
  const pauses = new RetryPauses(clock, () => random)
  const next = (count: number): number[] => Array.from({ length: count }, () => pauses.next())
  return { clock, pauses, next }
}

describe('pauses between attempts to reach Redis', () => {
  it('are none at first, and then grow to a second', () => {
    expect(pausesAt().next(8)).toEqual([0, 100, 200, 400, 800, 1_000, 1_000, 1_000])
  })

  it('never grow beyond a second and a quarter', () => {
    const { next } = pausesAt(0.999_999)
    expect(Math.max(...next(2_000))).toBeLessThanOrEqual(1_250)
  })

  it('begin again after a connection that has worked for a second', () => {
    const { clock, pauses, next } = pausesAt()
    next(6)
    pauses.works()
    clock.ms += 1_000
    expect(next(3)).toEqual([0, 100, 200])
  })

  it('go on growing while connections are lost as soon as they work', () => {
    const { clock, pauses } = pausesAt()
    const seen = Array.from({ length: 7 }, () => {
      const pause = pauses.next()
      pauses.works()
      clock.ms += 999
      return pause
    })
    expect(seen).toEqual([0, 100, 200, 400, 800, 1_000, 1_000])
  })
})
