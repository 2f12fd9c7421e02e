import { describe, expect, it } from 'vitest'
import { createVirtualClock } from './virtual-clock.ts'
import { backoffMs, sleep } from './waiting.ts'

describe('sleep', () => {
  it('resolves after the delay, not before', async () => {
    const clock = createVirtualClock()
    let isOver = false
    const slept = sleep(100, clock).then(() => (isOver = true))
    await clock.advance(99)
    expect(isOver).toBe(false)
    await clock.advance(1)
    await slept
    expect(isOver).toBe(true)
  })

  it('resolves when the signal is aborted, also without a time limit', async () => {
    const clock = createVirtualClock()
    const controller = new AbortController()
    const both = Promise.all([
      sleep(100, clock, controller.signal),
      sleep(Infinity, clock, controller.signal),
    ])
    controller.abort()
    await both
    expect(clock.nowMs()).toBe(createVirtualClock().nowMs())
  })

  it('resolves immediately when the signal is already aborted', async () => {
    await expect(sleep(100, createVirtualClock(), AbortSignal.abort())).resolves.toBeUndefined()
  })
})

describe('backoffMs', () => {
  it('doubles from the first delay up to the maximum', () => {
    const range = { firstMs: 100, maxMs: 1_000 }
    expect([0, 1, 2, 3, 4, 5, 5_000].map((retry) => backoffMs(retry, range))).toEqual([
      100, 200, 400, 800, 1_000, 1_000, 1_000,
    ])
  })
})
