import { describe, expect, it } from 'vitest'
import { DueQueue } from './queues.ts'
import { createRandom } from './random.ts'

const drain = (queue: DueQueue): void => {
  while (queue.nextDueMs() !== undefined) queue.runFirst()
}

describe('DueQueue', () => {
  it('gives tasks in the order of their ticks, whatever the order in which they came', () => {
    const random = createRandom('ticks')
    const queue = new DueQueue(2)
    const seen: number[] = []
    for (let i = 0; i < 2_000; i++) {
      const dueMs = random.unit() * 1_000
      queue.add(dueMs, () => seen.push(Math.ceil(dueMs / 2)))
    }
    drain(queue)
    expect(seen).toEqual(seen.toSorted((a, b) => a - b))
    expect(seen).toHaveLength(2_000)
  })

  it('never calls a tick due before the due time of a task in it', () => {
    const queue = new DueQueue(2)
    queue.add(10.5, () => {})
    expect(queue.nextDueMs()).toBe(12)
  })

  it('keeps the order of adding within a tick', () => {
    const queue = new DueQueue(2)
    const seen: string[] = []
    queue.add(1.9, () => seen.push('first'))
    queue.add(1.1, () => seen.push('second'))
    drain(queue)
    expect(seen).toEqual(['first', 'second'])
  })

  it('is idle when every task has run or been stopped, however often', () => {
    const queue = new DueQueue(2)
    const stop = queue.add(1, () => {})
    queue.add(5, () => {})
    expect(queue.isIdle).toBe(false)
    stop()
    stop()
    expect(queue.isIdle).toBe(false)
    drain(queue)
    expect(queue.isIdle).toBe(true)
    stop()
    expect(queue.isIdle).toBe(true)
  })

  it('does not run a stopped task, even when another task of the same tick stops it', () => {
    const queue = new DueQueue(2)
    const seen: string[] = []
    queue.add(1, () => stopSecond())
    const stopSecond = queue.add(1, () => seen.push('stopped'))
    drain(queue)
    expect(seen).toEqual([])
  })
})
