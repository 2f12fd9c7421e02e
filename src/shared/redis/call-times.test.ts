import { describe, expect, it } from 'vitest'
import { createVirtualClock } from '../../lib/virtual-clock.ts'
import { CallTimes } from './call-times.ts'

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('calls that are watched', () => {
  const start = () => {
    const clock = createVirtualClock()
    const failed: number[] = []
    let late = 0
    const calls = new CallTimes(clock, 100, () => {
      late++
      calls.failAll(new Error('late'))
    })
    const begin = (number: number) => calls.begin(() => failed.push(number))
    const advance = async (ms: number) => {
      await clock.advance(ms)
      await nextTurn()
    }
    return { calls, begin, advance, failed, lateCount: () => late }
  }

  it('tell how long they took', async () => {
    const { calls, begin, advance } = start()
    const call = begin(1)
    await advance(30)
    expect(calls.end(call)).toBe(30)
    expect(calls.end(call)).toBeUndefined()
  })

  it('are all failed when the oldest is late, once', async () => {
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

  it('wait for no timer once they are closed', async () => {
    const { calls, begin, advance, failed, lateCount } = start()
    begin(1)
    calls.close(new Error('closed'))
    expect(failed).toEqual([1])
    await advance(1_000)
    expect(lateCount()).toBe(0)
  })

  it('are given their own time each, when older ones were answered', async () => {
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
