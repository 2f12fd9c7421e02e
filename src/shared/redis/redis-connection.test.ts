import { EventEmitter } from 'node:events'
import type { createClient } from '@redis/client'
import { describe, expect, it } from 'vitest'
import { createVirtualClock } from '../../lib/virtual-clock.ts'
import { RedisConnection } from './redis-connection.ts'

/** Redis answers, refuses connections, accepts them without an answer, or refuses writes. */
type Behaviour = 'answers' | 'refuses' | 'silent' | 'read-only'

/** A client of a fake Redis. The network takes no time. */
class FakeClient extends EventEmitter {
  isReady = false
  readonly #redis: FakeRedis

  constructor(redis: FakeRedis) {
    super()
    this.#redis = redis
  }

  async connect(): Promise<void> {
    await Promise.resolve()
    const { behaviour } = this.#redis
    if (behaviour === 'silent') return
    if (behaviour === 'refuses') this.lose('connect ECONNREFUSED')
    else {
      this.isReady = true
      this.emit('ready')
    }
  }

  sendCommand(): Promise<unknown> {
    const { behaviour } = this.#redis
    if (behaviour === 'silent') return new Promise(() => {})
    return behaviour === 'read-only' ? Promise.reject(new Error('READONLY')) : Promise.resolve('OK')
  }

  lose(reason: string): void {
    this.isReady = false
    this.emit('error', new Error(reason))
  }

  destroy(): void {
    this.isReady = false
  }
}

class FakeRedis {
  behaviour: Behaviour = 'answers'
  readonly clients: FakeClient[] = []

  readonly create = (() => {
    const client = new FakeClient(this)
    this.clients.push(client)
    return client
  }) as unknown as typeof createClient

  /** Breaks the current connection. */
  lose(): void {
    this.clients.at(-1)?.lose('Socket closed unexpectedly')
  }
}

async function connected() {
  const redis = new FakeRedis()
  const clock = createVirtualClock()
  const silent = (): void => {}
  const logger = { debug: silent, info: silent, warn: silent, error: silent }
  const parts = { url: 'redis://127.0.0.1', prefix: 'p:', timeoutMs: 100, clock, logger }
  const connection = new RedisConnection(parts, redis.create)
  const advance = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 10) {
      await clock.advance(Math.min(10, ms - passed))
      // Timeouts are checked after pending answers were read.
      await new Promise(setImmediate)
    }
  }
  /** Milliseconds until Redis is up again. */
  const untilUp = async (): Promise<number> => {
    for (let ms = 0; ; ms += 10) {
      if (connection.state.up || ms >= 60_000) return ms
      await advance(10)
    }
  }
  await untilUp()
  // Long enough to count as a stable connection.
  await advance(2_000)
  return { redis, connection, advance, untilUp }
}

/** A call that detects the failure, as a request would. */
const call = (connection: RedisConnection): Promise<unknown> =>
  connection.send(['PING']).catch(() => undefined)

describe('a connection to Redis', () => {
  it('reconnects immediately when it is lost', async () => {
    const { redis, connection, untilUp } = await connected()
    redis.lose()
    expect(connection.state.up).toBe(false)
    expect(await untilUp()).toBeLessThanOrEqual(20)
  })

  it.each([500, 4_000, 12_000, 120_000])(
    'is up within 2 s after Redis refused connections for %i ms',
    async (ms) => {
      const { redis, connection, advance, untilUp } = await connected()
      redis.behaviour = 'refuses'
      redis.lose()
      await advance(ms)
      expect(connection.state.up).toBe(false)
      redis.behaviour = 'answers'
      expect(await untilUp()).toBeLessThanOrEqual(1_300)
    },
  )

  it.each([500, 2_000, 4_000, 7_500])('is up within 2 s after Redis was silent for %i ms', async (ms) => {
    const { redis, connection, advance, untilUp } = await connected()
    redis.behaviour = 'silent'
    void call(connection)
    await advance(ms)
    expect(connection.state.up).toBe(false)
    // Connections made during the silence stay silent.
    redis.behaviour = 'answers'
    expect(await untilUp()).toBeLessThanOrEqual(1_100)
  })

  it('increases the timeout of attempts while Redis is silent, up to ten seconds', async () => {
    const { redis, connection, advance, untilUp } = await connected()
    redis.behaviour = 'silent'
    void call(connection)
    await advance(60_000)
    const before = redis.clients.length
    await advance(60_000)
    expect(redis.clients.length - before).toBeLessThanOrEqual(30)
    redis.behaviour = 'answers'
    expect(await untilUp()).toBeLessThanOrEqual(10_100)
  })

  it('is up within 2 s after Redis refused writes', async () => {
    const { redis, connection, advance, untilUp } = await connected()
    redis.behaviour = 'read-only'
    await call(connection)
    await advance(8_000)
    expect(connection.state.up).toBe(false)
    expect(redis.clients).toHaveLength(1)
    redis.behaviour = 'answers'
    expect(await untilUp()).toBeLessThanOrEqual(1_300)
  })

  it('limits the number of attempts when each connection is lost as soon as it works', async () => {
    const { redis, connection, advance } = await connected()
    const before = redis.clients.length
    connection.onUp(() => redis.lose())
    redis.lose()
    await advance(60_000)
    expect(redis.clients.length - before).toBeLessThanOrEqual(85)
    connection.close()
    const atEnd = redis.clients.length
    await advance(10_000)
    expect(redis.clients).toHaveLength(atEnd)
  })

  it('is down only briefly after each of several losses', async () => {
    const { redis, advance, untilUp } = await connected()
    for (let loss = 0; loss < 4; loss++) {
      redis.lose()
      expect(await untilUp()).toBeLessThanOrEqual(20)
      await advance(3_000)
    }
  })
})
