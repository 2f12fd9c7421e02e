import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { REORDER_DELAY_MS, ReorderBuffer } from './port-server.ts'

describe('ReorderBuffer', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  const setUp = () => {
    const start = Date.now()
    let synced: () => void = () => {}
    const buffer = new ReorderBuffer(
      () => Date.now() - start,
      () => new Promise<void>((resolve) => (synced = resolve)),
    )
    const done: string[] = []
    const add = (atMs: number, name: string): void => buffer.add(atMs, () => done.push(name))
    const syncAll = async (): Promise<void> => {
      vi.advanceTimersByTime(REORDER_DELAY_MS)
      synced()
      await vi.advanceTimersByTimeAsync(0)
    }
    return { buffer, done, add, syncAll }
  }

  it('runs late tasks in order after all processes were synchronized', async () => {
    const { done, add, syncAll } = setUp()
    add(10, 'b')
    vi.advanceTimersByTime(REORDER_DELAY_MS)
    add(5, 'a')
    add(10, 'c')
    await vi.advanceTimersByTimeAsync(10 * REORDER_DELAY_MS)
    expect(done).toEqual([])
    await syncAll()
    expect(done).toEqual(['a', 'b', 'c'])
  })

  it('leaves tasks that happened after the start of the synchronization to the next one', async () => {
    const { done, add, syncAll } = setUp()
    add(10, 'a')
    vi.advanceTimersByTime(REORDER_DELAY_MS)
    add(REORDER_DELAY_MS + 1, 'b')
    await syncAll()
    expect(done).toEqual(['a'])
    await syncAll()
    expect(done).toEqual(['a', 'b'])
  })

  it('runs all tasks immediately with runAll', () => {
    const { buffer, done, add } = setUp()
    add(2, 'b')
    add(1, 'a')
    buffer.runAll()
    expect(done).toEqual(['a', 'b'])
    vi.advanceTimersByTime(2 * REORDER_DELAY_MS)
    expect(done).toHaveLength(2)
  })
})
