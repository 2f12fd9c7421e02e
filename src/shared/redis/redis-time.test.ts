import { describe, expect, it } from 'vitest'
import { createVirtualClock } from '../../lib/virtual-clock.ts'
import { RedisTime } from './redis-script.ts'

describe('the time of Redis', () => {
  const start = () => {
    const clock = createVirtualClock()
    const time = new RedisTime(clock)
    /** Redis is `aheadMs` ahead of the clock. The call takes `there` ms to Redis and `back` ms from it. */
    const measure = async (aheadMs: number, there: number, back: number): Promise<void> => {
      const sentMs = clock.nowMs()
      await clock.advance(there)
      const toldMs = clock.nowMs() + aheadMs
      await clock.advance(back)
      time.measured(sentMs, toldMs)
    }
    return { clock, time, measure }
  }

  it('is the time of this machine until the first measurement', () => {
    const { clock, time } = start()
    expect(time.at(clock.nowMs())).toBe(clock.epochMs())
    expect(time.errorMs).toBe(0)
  })

  it('is exact if both ways take equally long', async () => {
    const { clock, time, measure } = start()
    await measure(5_000, 3, 3)
    expect(time.at(clock.nowMs())).toBe(clock.nowMs() + 5_000)
    expect(time.errorMs).toBe(6)
  })

  it('uses the shortest round trip of the last ten seconds', async () => {
    const { clock, time, measure } = start()
    await measure(5_000, 1, 1)
    await measure(5_000, 0, 40)
    expect(time.at(clock.nowMs())).toBe(clock.nowMs() + 5_000)
    await clock.advance(10_000)
    await measure(5_000, 0, 40)
    expect(time.at(clock.nowMs())).toBe(clock.nowMs() + 4_980)
    expect(time.errorMs).toBe(40)
  })
})
