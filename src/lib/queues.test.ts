import { describe, expect, it } from 'vitest'
import { DueQueue, SerialQueue } from './queues.ts'
import { createRandom } from './random.ts'

const drain = (queue: DueQueue): void => {
  while (queue.nextDueMs() !== undefined) queue.runFirst()
}

describe('DueQueue', () => {
  it('runs tasks in the order of their ticks, added in any order', () => {
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

  it('ends a tick at or after the due time of each of its tasks', () => {
    const queue = new DueQueue(2)
    queue.add(10.5, () => {})
    expect(queue.nextDueMs()).toBe(12)
  })

  it('runs the tasks of a tick in the order in which they were added', () => {
    const queue = new DueQueue(2)
    const seen: string[] = []
    queue.add(1.9, () => seen.push('first'))
    queue.add(1.1, () => seen.push('second'))
    drain(queue)
    expect(seen).toEqual(['first', 'second'])
  })

  it('is idle after every task has run or was stopped, also more than once', () => {
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

  it('does not run a task that another task of the same tick has stopped', () => {
    const queue = new DueQueue(2)
    const seen: string[] = []
    queue.add(1, () => stopSecond())
    const stopSecond = queue.add(1, () => seen.push('stopped'))
    drain(queue)
    expect(seen).toEqual([])
  })
})

describe('SerialQueue', () => {
  it('runs tasks one after another, in the order in which they were added', async () => {
    const queue = new SerialQueue()
    const seen: string[] = []
    let endFirst = (): void => {}
    const first = queue.run(async () => {
      await new Promise<void>((resolve) => (endFirst = resolve))
      seen.push('first')
    })
    const second = queue.run(() => seen.push('second'))
    await Promise.resolve()
    expect(seen).toEqual([])
    endFirst()
    await Promise.all([first, second])
    expect(seen).toEqual(['first', 'second'])
  })

  it('runs the next task after one that failed', async () => {
    const queue = new SerialQueue()
    const failed = queue.run(() => Promise.reject(new Error('broken')))
    const next = queue.run(() => 'done')
    await expect(failed).rejects.toThrow('broken')
    expect(await next).toBe('done')
  })
})
