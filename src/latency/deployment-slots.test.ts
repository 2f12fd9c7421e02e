import { describe, expect, it } from 'vitest'
import type { Exchange } from '../pipeline/exchange.ts'
import { createVirtualClock } from '../lib/virtual-clock.ts'
import { DeploymentSlots } from './deployment-slots.ts'
import { testExchange } from '../../tests/support/test-exchange.ts'

const setUp = (slots: number, queueLength: number, queueTimeoutMs = 1_000) => {
  const clock = createVirtualClock()
  const pool = new DeploymentSlots()
  const results: string[] = []
  /** Requests a slot, and records the result with `name`. */
  const ask = (name: string, now = { slots, queueLength, queueTimeoutMs }): Exchange => {
    const exchange = testExchange({}, { clock })
    const taken = pool.take(exchange, now, 1)
    if (typeof taken === 'string') results.push(`${name} ${taken}`)
    else void taken.then((admission) => results.push(`${name} ${admission}`))
    return exchange
  }
  const end = async (exchange: Exchange, aborted = false): Promise<void> => {
    exchange.end({ aborted, firstByteMs: undefined, endMs: 0 })
    await clock.advance(0)
  }
  return { pool, clock, ask, end, results }
}

describe('DeploymentSlots', () => {
  it('assigns the slots in order of arrival, and queues the other requests', async () => {
    const { pool, ask, end, results } = setUp(2, 10)
    const [a, b] = [ask('a'), ask('b'), ask('c'), ask('d')]
    expect(results).toEqual(['a granted', 'b granted'])
    expect([pool.working, pool.waiting]).toEqual([2, 2])
    await end(b)
    await end(a)
    expect(results.slice(2)).toEqual(['c granted', 'd granted'])
    expect([pool.working, pool.waiting]).toEqual([2, 0])
  })

  it('rejects a request when the queue is full', () => {
    const { ask, results } = setUp(1, 1)
    for (const name of ['a', 'b', 'c']) ask(name)
    expect(results).toEqual(['a granted', 'c queue-full'])
  })

  it('rejects a request immediately without a queue', () => {
    const { ask, results } = setUp(1, 0)
    ask('a')
    ask('b')
    expect(results).toEqual(['a granted', 'b queue-full'])
  })

  it('removes a request from the queue after its timeout', async () => {
    const { pool, clock, ask, results } = setUp(1, 1, 1_000)
    ask('a')
    ask('b')
    await clock.advance(999)
    expect(results).toEqual(['a granted'])
    await clock.advance(1)
    expect(results).toEqual(['a granted', 'b timed-out'])
    expect(pool.waiting).toBe(0)
    ask('c')
    expect(pool.waiting).toBe(1)
  })

  it('removes a client that disconnects from the queue', async () => {
    const { pool, ask, end, results } = setUp(1, 10)
    const [a, b] = [ask('a'), ask('b'), ask('c')]
    await end(b, true)
    expect(results).toEqual(['a granted', 'b left'])
    await end(a)
    expect(results.at(-1)).toBe('c granted')
    expect([pool.working, pool.waiting]).toEqual([1, 0])
  })

  it('returns a slot once when its client disconnects', async () => {
    const { pool, ask, end } = setUp(1, 0)
    const a = ask('a')
    await end(a, true)
    await end(a)
    expect(pool.working).toBe(0)
  })

  it('does not hold a slot for a request that has already ended', () => {
    const { pool, clock } = setUp(1, 0)
    const ended = testExchange({}, { clock })
    ended.end({ aborted: true, firstByteMs: undefined, endMs: 0 })
    expect(pool.take(ended, { slots: 1, queueLength: 0, queueTimeoutMs: 1 }, 1)).toBe('granted')
    expect(pool.working).toBe(0)
  })

  it('admits waiting requests when a configuration change adds slots', async () => {
    const { clock, ask, results } = setUp(1, 10)
    for (const name of ['a', 'b', 'c']) ask(name)
    ask('d', { slots: 3, queueLength: 10, queueTimeoutMs: 1_000 })
    await clock.advance(0)
    expect(results).toEqual(['a granted', 'b granted', 'c granted'])
  })

  it('scales the timeout of the queue', async () => {
    const { pool, clock } = setUp(1, 1)
    const concurrency = { slots: 1, queueLength: 1, queueTimeoutMs: 1_000 }
    void pool.take(testExchange({}, { clock }), concurrency, 0.1)
    const waits = pool.take(testExchange({}, { clock }), concurrency, 0.1)
    await clock.advance(100)
    expect(await waits).toBe('timed-out')
  })

  it('keeps the order of the queue after thousands of timeouts', async () => {
    const { pool, clock, ask, end, results } = setUp(1, 5_000, 10)
    const first = ask('first')
    for (let i = 0; i < 8; i++) {
      for (let j = 0; j < 500; j++) ask('x')
      await clock.advance(10)
    }
    const last = ask('last')
    await end(first)
    expect([results.at(-1), pool.working, pool.waiting]).toEqual(['last granted', 1, 0])
    await end(last)
    expect(pool.working).toBe(0)
  })
})
