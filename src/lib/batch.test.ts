import { describe, expect, it } from 'vitest'
import { Batch } from './queues.ts'

function createBatch(maxItems?: number): {
  batch: Batch<number>
  handled: number[]
  deferred: (() => void)[]
} {
  const handled: number[] = []
  const deferred: (() => void)[] = []
  const batch = new Batch<number>(
    (run) => deferred.push(run),
    (item) => handled.push(item),
    maxItems,
  )
  return { batch, handled, deferred }
}

describe('Batch', () => {
  it('handles its items in order when the deferred call runs', () => {
    const { batch, handled, deferred } = createBatch()
    for (const item of [1, 2, 3]) batch.add(item)
    expect(handled).toEqual([])
    expect(deferred).toHaveLength(1)
    deferred[0]?.()
    expect(handled).toEqual([1, 2, 3])
  })

  it('defers again after each run', () => {
    const { batch, handled, deferred } = createBatch()
    batch.add(1)
    deferred[0]?.()
    batch.add(2)
    expect(deferred).toHaveLength(2)
    deferred[1]?.()
    expect(handled).toEqual([1, 2])
  })

  it('handles items that are added during a run in the next run', () => {
    const deferred: (() => void)[] = []
    const handled: number[] = []
    const batch = new Batch<number>(
      (run) => deferred.push(run),
      (item) => {
        handled.push(item)
        if (item === 1) batch.add(2)
      },
    )
    batch.add(1)
    deferred[0]?.()
    expect(handled).toEqual([1])
    deferred[1]?.()
    expect(handled).toEqual([1, 2])
  })

  it('handles its items immediately when it is full', () => {
    const { batch, handled, deferred } = createBatch(2)
    for (const item of [1, 2, 3]) batch.add(item)
    expect(handled).toEqual([1, 2])
    for (const run of deferred) run()
    expect(handled).toEqual([1, 2, 3])
  })
})
