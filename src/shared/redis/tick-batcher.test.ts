import { describe, expect, it } from 'vitest'
import { createVirtualClock } from '../../lib/virtual-clock.ts'
import { TickBatcher } from './tick-batcher.ts'

const nextIteration = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('TickBatcher', () => {
  const start = () => {
    const clock = createVirtualClock()
    const sent: [string, number[]][] = []
    const batches = new TickBatcher<number>(clock, (key, items) => sent.push([key, items]))
    return { clock, sent, batches }
  }

  it('sends the items of one iteration in one call for each key, in order', async () => {
    const { sent, batches } = start()
    for (const item of [1, 2, 3]) batches.add('a', item, true)
    batches.add('b', 4, true)
    expect(sent).toEqual([])
    await nextIteration()
    expect(sent).toEqual([
      ['a', [1, 2, 3]],
      ['b', [4]],
    ])
  })

  it('sends items that are not urgent together with urgent ones', async () => {
    const { sent, batches } = start()
    batches.add('a', 1, false)
    batches.add('b', 2, false)
    await nextIteration()
    expect(sent).toEqual([])
    batches.add('a', 3, true)
    await nextIteration()
    expect(sent).toEqual([
      ['a', [1, 3]],
      ['b', [2]],
    ])
  })

  it('delays items that are not urgent by five milliseconds at most', async () => {
    const { clock, sent, batches } = start()
    batches.add('a', 1, false)
    await clock.advance(4)
    expect(sent).toEqual([])
    await clock.advance(1)
    expect(sent).toEqual([['a', [1]]])
    await clock.advance(100)
    expect(sent).toHaveLength(1)
  })
})
