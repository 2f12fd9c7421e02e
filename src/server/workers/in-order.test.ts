import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { heldMs, InOrder } from './in-order.ts'

describe('InOrder', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  const setUp = () => {
    const start = Date.now()
    const inOrder = new InOrder(() => Date.now() - start)
    const done: string[] = []
    const tell = (atMs: number, name: string): void => inOrder.add(atMs, () => done.push(name))
    return { inOrder, done, tell }
  }

  it('runs what is told late in its place, if it is told soon enough', () => {
    const { done, tell } = setUp()
    tell(10, 'b')
    vi.advanceTimersByTime(heldMs - 50)
    tell(5, 'a')
    tell(10, 'c')
    expect(done).toEqual([])
    vi.advanceTimersByTime(2 * heldMs)
    expect(done).toEqual(['a', 'b', 'c'])
  })

  it('runs all at once for who knows that nothing is under way', () => {
    const { inOrder, done, tell } = setUp()
    tell(2, 'b')
    tell(1, 'a')
    inOrder.runAll()
    expect(done).toEqual(['a', 'b'])
    vi.advanceTimersByTime(2 * heldMs)
    expect(done).toHaveLength(2)
  })
})
