import { describe, expect, it } from 'vitest'
import { RetryPauses } from './redis-connection.ts'

/** Pauses on a clock that the test sets, by default with the mean jitter. */
function pausesAt(random = 0.5) {
  const clock = { ms: 0, nowMs: () => clock.ms }
  const pauses = new RetryPauses(clock, () => random)
  const next = (count: number): number[] => Array.from({ length: count }, () => pauses.next())
  return { clock, pauses, next }
}

describe('pauses between attempts to reach Redis', () => {
  it('are zero at first and then grow to a second', () => {
    expect(pausesAt().next(8)).toEqual([0, 100, 200, 400, 800, 1_000, 1_000, 1_000])
  })

  it('never exceed 1.25 seconds', () => {
    const { next } = pausesAt(0.999_999)
    expect(Math.max(...next(2_000))).toBeLessThanOrEqual(1_250)
  })

  it('restart at zero after a connection that worked for a second', () => {
    const { clock, pauses, next } = pausesAt()
    next(6)
    pauses.connected()
    clock.ms += 1_000
    expect(next(3)).toEqual([0, 100, 200])
  })

  it('keep growing while each connection is lost within a second', () => {
    const { clock, pauses } = pausesAt()
    const seen = Array.from({ length: 7 }, () => {
      const pause = pauses.next()
      pauses.connected()
      clock.ms += 999
      return pause
    })
    expect(seen).toEqual([0, 100, 200, 400, 800, 1_000, 1_000])
  })
})
