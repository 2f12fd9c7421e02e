import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { HELD_MS, ReorderBuffer } from './port-server.ts'

describe('ReorderBuffer', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  const setUp = () => {
    const start = Date.now()
    let heardAll: () => void = () => {}
    const inOrder = new ReorderBuffer(
      () => Date.now() - start,
      () => new Promise<void>((resolve) => (heardAll = resolve)),
    )
    const done: string[] = []
    const tell = (atMs: number, name: string): void => inOrder.add(atMs, () => done.push(name))
    const hearAll = async (): Promise<void> => {
      vi.advanceTimersByTime(HELD_MS)
      heardAll()
      await vi.advanceTimersByTimeAsync(0)
    }
    return { inOrder, done, tell, hearAll }
  }

  it('runs what is told late in its place, however late, once all have been heard', async () => {
    const { done, tell, hearAll } = setUp()
    tell(10, 'b')
    vi.advanceTimersByTime(HELD_MS)
    tell(5, 'a')
    tell(10, 'c')
    await vi.advanceTimersByTimeAsync(10 * HELD_MS)
    expect(done).toEqual([])
    await hearAll()
    expect(done).toEqual(['a', 'b', 'c'])
  })

  it('leaves what happened after all were asked to the next time', async () => {
    const { done, tell, hearAll } = setUp()
    tell(10, 'a')
    vi.advanceTimersByTime(HELD_MS)
    tell(HELD_MS + 1, 'b')
    await hearAll()
    expect(done).toEqual(['a'])
    await hearAll()
    expect(done).toEqual(['a', 'b'])
  })

  it('runs all at once for who knows that nothing is under way', () => {
    const { inOrder, done, tell } = setUp()
    tell(2, 'b')
    tell(1, 'a')
    inOrder.runAll()
    expect(done).toEqual(['a', 'b'])
    vi.advanceTimersByTime(2 * HELD_MS)
    expect(done).toHaveLength(2)
  })
})
