import { describe, expect, it } from 'vitest'
import type { Exchange } from '../pipeline/exchange.ts'
import { createVirtualClock } from '../lib/virtual-clock.ts'
import { DeploymentSlots } from './deployment-slots.ts'
import { testExchange } from '../../tests/support/test-exchange.ts'

const setUp = (slots: number, queueLength: number, queueTimeoutMs = 1_000) => {
  const clock = createVirtualClock()
  const pool = new DeploymentSlots()
  const told: string[] = []
  /** Asks for a slot, and notes under `name` what comes of it. */
  const ask = (name: string, now = { slots, queueLength, queueTimeoutMs }): Exchange => {
    const exchange = testExchange({}, { clock })
    const taken = pool.take(exchange, now, 1)
    if (typeof taken === 'string') told.push(`${name} ${taken}`)
    else void taken.then((admission) => told.push(`${name} ${admission}`))
    return exchange
  }
  const end = async (exchange: Exchange, aborted = false): Promise<void> => {
    exchange.end({ aborted, firstByteMs: undefined, endMs: 0 })
    await clock.advance(0)
  }
  return { pool, clock, ask, end, told }
}

describe('DeploymentSlots', () => {
  it('works on as many requests as there are slots, and the others wait in the order in which they came', async () => {
    const { pool, ask, end, told } = setUp(2, 10)
    const [a, b] = [ask('a'), ask('b'), ask('c'), ask('d')]
    expect(told).toEqual(['a granted', 'b granted'])
    expect([pool.working, pool.waiting]).toEqual([2, 2])
    await end(b)
    await end(a)
    expect(told.slice(2)).toEqual(['c granted', 'd granted'])
    expect([pool.working, pool.waiting]).toEqual([2, 0])
  })

  it('refuses a request that finds the queue full', () => {
    const { ask, told } = setUp(1, 1)
    for (const name of ['a', 'b', 'c']) ask(name)
    expect(told).toEqual(['a granted', 'c queue-full'])
  })

  it('refuses at once when there is no queue', () => {
    const { ask, told } = setUp(1, 0)
    ask('a')
    ask('b')
    expect(told).toEqual(['a granted', 'b queue-full'])
  })

  it('gives a request up that has waited too long, and makes room in the queue', async () => {
    const { pool, clock, ask, told } = setUp(1, 1, 1_000)
    ask('a')
    ask('b')
    await clock.advance(999)
    expect(told).toEqual(['a granted'])
    await clock.advance(1)
    expect(told).toEqual(['a granted', 'b timed-out'])
    expect(pool.waiting).toBe(0)
    ask('c')
    expect(pool.waiting).toBe(1)
  })

  it('lets a client that leaves out of the queue, and passes it over when its turn comes', async () => {
    const { pool, ask, end, told } = setUp(1, 10)
    const [a, b] = [ask('a'), ask('b'), ask('c')]
    await end(b, true)
    expect(told).toEqual(['a granted', 'b left'])
    await end(a)
    expect(told.at(-1)).toBe('c granted')
    expect([pool.working, pool.waiting]).toEqual([1, 0])
  })

  it('gives a slot back once, when a client leaves that had one', async () => {
    const { pool, ask, end } = setUp(1, 0)
    const a = ask('a')
    await end(a, true)
    await end(a)
    expect(pool.working).toBe(0)
  })

  it('keeps no slot for a client that had left before it asked', () => {
    const { pool, clock } = setUp(1, 0)
    const gone = testExchange({}, { clock })
    gone.end({ aborted: true, firstByteMs: undefined, endMs: 0 })
    expect(pool.take(gone, { slots: 1, queueLength: 0, queueTimeoutMs: 1 }, 1)).toBe('granted')
    expect(pool.working).toBe(0)
  })

  it('lets those who wait in when a changed configuration brings more slots', async () => {
    const { clock, ask, told } = setUp(1, 10)
    for (const name of ['a', 'b', 'c']) ask(name)
    ask('d', { slots: 3, queueLength: 10, queueTimeoutMs: 1_000 })
    await clock.advance(0)
    expect(told).toEqual(['a granted', 'b granted', 'c granted'])
  })

  it('scales the timeout of the queue', async () => {
    const { pool, clock } = setUp(1, 1)
    const concurrency = { slots: 1, queueLength: 1, queueTimeoutMs: 1_000 }
    void pool.take(testExchange({}, { clock }), concurrency, 0.1)
    const waits = pool.take(testExchange({}, { clock }), concurrency, 0.1)
    await clock.advance(100)
    expect(await waits).toBe('timed-out')
  })

  it('still knows whose turn it is after thousands have given up', async () => {
    const { pool, clock, ask, end, told } = setUp(1, 5_000, 10)
    const first = ask('first')
    for (let i = 0; i < 8; i++) {
      for (let j = 0; j < 500; j++) ask('x')
      await clock.advance(10)
    }
    const last = ask('last')
    await end(first)
    expect([told.at(-1), pool.working, pool.waiting]).toEqual(['last granted', 1, 0])
    await end(last)
    expect(pool.working).toBe(0)
  })
})
