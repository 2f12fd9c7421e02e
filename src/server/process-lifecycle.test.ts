import { afterEach, describe, expect, it, vi } from 'vitest'
import { unlessStopped, whenAborted } from './process-lifecycle.ts'

describe('unlessStopped', () => {
  afterEach(() => void vi.useRealTimers())

  it('returns the started value, and leaves no timer for a later stop', async () => {
    vi.useFakeTimers()
    const stop = new AbortController()
    expect(await unlessStopped(Promise.resolve('started'), stop.signal, 30_000)).toBe('started')
    stop.abort()
    await whenAborted(stop.signal)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('passes an error on unless the start was stopped', async () => {
    const stop = new AbortController()
    const fail = (): Promise<never> => Promise.reject(new Error('no'))
    await expect(unlessStopped(fail(), stop.signal, 30_000)).rejects.toThrow('no')
    stop.abort()
    expect(await unlessStopped(fail(), stop.signal, 30_000)).toBeUndefined()
  })

  it('waits for a stopped start at most for the grace period', async () => {
    vi.useFakeTimers()
    const stop = new AbortController()
    const slow = new Promise((resolve) => setTimeout(() => resolve('started'), 29_000))
    const inTime = unlessStopped(slow, stop.signal, 30_000)
    const late = unlessStopped(new Promise(() => {}), stop.signal, 30_000)
    stop.abort()
    await vi.advanceTimersByTimeAsync(29_000)
    expect(await inTime).toBe('started')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await late).toBeUndefined()
    expect(vi.getTimerCount()).toBe(0)
  })
})
