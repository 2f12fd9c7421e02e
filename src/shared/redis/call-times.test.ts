import { describe, expect, it } from 'vitest'
import { createVirtualClock } from '../../lib/virtual-clock.ts'
import { CallTimeouts } from './call-times.ts'

const nextIteration = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('timeouts of calls', () => {
  const start = () => {
    const clock = createVirtualClock()
    const failed: number[] = []
    let late = 0
    const calls = new CallTimeouts(clock, 100, () => {
      late++
      calls.failAll(new Error('late'))
    })
    const begin = (number: number) => calls.begin(() => failed.push(number))
    const advance = async (ms: number) => {
      await clock.advance(ms)
      await nextIteration()
    }
    return { calls, begin, advance, failed, lateCount: () => late }
  }

  it('report the duration of an answered call', async () => {
    const { calls, begin, advance } = start()
    const call = begin(1)
    await advance(30)
    expect(calls.end(call)).toBe(30)
    expect(calls.end(call)).toBeUndefined()
  })

  it('reject all calls when the oldest one times out, once', async () => {
    const { begin, advance, failed, lateCount } = start()
    begin(1)
    await advance(60)
    begin(2)
    await advance(39)
    expect(failed).toEqual([])
    await advance(1)
    expect(failed).toEqual([1, 2])
    await advance(1_000)
    expect(lateCount()).toBe(1)
  })

  it('stop the timer on close', async () => {
    const { calls, begin, advance, failed, lateCount } = start()
    begin(1)
    calls.close(new Error('closed'))
    expect(failed).toEqual([1])
    await advance(1_000)
    expect(lateCount()).toBe(0)
  })

  it('count from the start of each call when older ones were answered', async () => {
    const { calls, begin, advance, failed } = start()
    const first = begin(1)
    await advance(60)
    begin(2)
    calls.end(first)
    await advance(99)
    expect(failed).toEqual([])
    await advance(1)
    expect(failed).toEqual([2])
  })
})
