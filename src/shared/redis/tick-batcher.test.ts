import { describe, expect, it } from 'vitest'
import { createVirtualClock } from '../../lib/virtual-clock.ts'
import { TickBatcher } from './tick-batcher.ts'

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('what comes up in one turn of the event loop', () => {
  const start = () => {
    const clock = createVirtualClock()
    const sent: [string, number[]][] = []
    const batches = new TickBatcher<number>(clock, (key, items) => sent.push([key, items]))
    return { clock, sent, batches }
  }

  it('goes out in one call for each key, in its order', async () => {
    const { sent, batches } = start()
    for (const item of [1, 2, 3]) batches.add('a', item, true)
    batches.add('b', 4, true)
    expect(sent).toEqual([])
    await nextTurn()
    expect(sent).toEqual([
      ['a', [1, 2, 3]],
      ['b', [4]],
    ])
  })

  it('takes along what nobody waits for', async () => {
    const { sent, batches } = start()
    batches.add('a', 1, false)
    batches.add('b', 2, false)
    await nextTurn()
    expect(sent).toEqual([])
    batches.add('a', 3, true)
    await nextTurn()
    expect(sent).toEqual([
      ['a', [1, 3]],
      ['b', [2]],
    ])
  })

  it('lets what nobody waits for wait five milliseconds at most', async () => {
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
