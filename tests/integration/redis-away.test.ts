import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { OperatorError } from '../../src/lib/operator-error.ts'
import { type RedisReplica, type ReplicaOptions, startReplica } from '../support/redis-replica.ts'
import { redisNeed, type RedisServer, startRedisServer } from '../support/redis-server.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'

const deployments = { chat: { model: 'gpt-4o', tokensPerMinute: 60_000, requestsPerMinute: 60_000 } }

const { isMissing, note } = redisNeed

describe.skipIf(isMissing)(`a simulator when its Redis server is unavailable${note}`, () => {
  let server: RedisServer
  let replicas: RedisReplica[] = []
  beforeEach(async () => {
    server = await startRedisServer()
    replicas = []
  })
  afterEach(async () => {
    for (const replica of replicas) replica.close()
    await server.remove()
  })
  const start = async (options: Partial<ReplicaOptions> = {}): Promise<RedisReplica> => {
    const replica = await startReplica({ url: server.url, deployments, ...options })
    replicas.push(replica)
    return replica
  }
  const decide = (replica: RedisReplica) => replica.limits.decide(replica.question('chat', 1))
  const messages = ({ log }: RedisReplica): string[] =>
    log.map(({ level, message }) => `${level}: ${message}`)

  it('answers every request by local limits while Redis is down, and shares limits again when it is back', async () => {
    const replica = await start({ redis: { timeoutMs: 3_000 } })
    const decisions: unknown[] = []
    let sent = 0
    for (let round = 0; round < 60; round++) {
      for (let each = 0; each < 20; each++) {
        sent++
        void Promise.resolve(decide(replica)).then((decision) => decisions.push(decision?.admitted))
      }
      if (round === 20) void server.kill()
      await sleep(3)
    }
    await expect.poll(() => decisions.length).toBe(sent)
    expect(new Set(decisions)).toEqual(new Set([true]))
    expect(replica.connection.state.up).toBe(false)
    expect(replica.connection.state.fallbacks).toBeGreaterThan(20)
    // Redis is known to be down, so the decision does not wait for it.
    expect(decide(replica)).not.toBeInstanceOf(Promise)

    await server.start()
    await expect.poll(() => replica.connection.state.up).toBe(true)
    const before = replica.connection.state.fallbacks
    expect((await decide(replica))?.admitted).toBe(true)
    expect(replica.connection.state.fallbacks).toBe(before)
    expect(messages(replica)).toEqual([
      'info: Redis is connected. Limits are shared.',
      'warn: Redis does not answer. This simulator uses its own limits until Redis is back.',
      'info: Redis is back. Limits are shared again.',
    ])
  })

  it('waits at most the timeout when Redis hangs, then answers immediately, and shares limits again when it is back', async () => {
    const replica = await start({ redis: { timeoutMs: 300 } })
    await decide(replica)
    server.pause()
    const begun = performance.now()
    const decisions = await Promise.all(Array.from({ length: 50 }, async () => decide(replica)))
    const tookMs = performance.now() - begun
    expect(decisions.every((decision) => decision?.admitted)).toBe(true)
    expect(tookMs).toBeGreaterThan(290)
    // One after another they would take fifteen seconds.
    expect(tookMs).toBeLessThan(8_000)
    expect(decide(replica)).not.toBeInstanceOf(Promise)
    server.resume()
    await expect.poll(() => replica.connection.state.up).toBe(true)
    expect(decide(replica)).toBeInstanceOf(Promise)
  })

  it('replaces a connection that has been silent for long', async () => {
    const replica = await start({ redis: { timeoutMs: 30 }, attemptTimeoutMs: 150 })
    server.pause()
    await decide(replica)
    await sleep(500)
    expect(replica.connection.state.up).toBe(false)
    server.resume()
    await expect.poll(() => replica.connection.state.up).toBe(true)
    expect((await decide(replica))?.admitted).toBe(true)
    await replica.live.patch({ region: 'West Europe' })
    const other = await start()
    await other.live.patch({ region: 'Sweden Central' })
    await expect.poll(() => replica.live.current.defaultResource.region).toBe('Sweden Central')
  })

  it.each<[string, (proxy: TcpProxy) => unknown]>([
    ['breaks all connections', (proxy) => proxy.cut()],
    ['refuses connections', (proxy) => proxy.refuse()],
    ['swallows all bytes', (proxy) => proxy.swallow()],
  ])('shares its limits again after a network that %s', async (_, fail) => {
    const proxy = await startTcpProxy(server.port)
    const url = `redis://127.0.0.1:${proxy.port}`
    const [replica, other] = await Promise.all([start({ url }), start()])
    await fail(proxy)
    await decide(replica)
    await expect.poll(() => replica.connection.state.fallbacks).toBe(1)
    await proxy.restore()
    await expect.poll(() => replica.connection.state.up).toBe(true)
    expect((await decide(replica))?.admitted).toBe(true)
    const status = await other.limits.status(other.question('chat', 1))
    expect(status).toMatchObject({ tokens: { used: 1 } })
    await proxy.close()
  })

  it('starts without Redis, and uses it when it becomes available', async () => {
    await server.kill()
    const replica = await start({ startTimeoutMs: 50 })
    expect((await decide(replica))?.admitted).toBe(true)
    expect(messages(replica)).toHaveLength(1)
    await server.start()
    await expect.poll(() => replica.connection.state.up).toBe(true)
  })

  it('does not start without a required Redis, and reports the address without its password', async () => {
    await server.kill()
    const url = server.url.replace('//', '//user:secret@')
    const failed = await start({ url, startTimeoutMs: 100, redis: { required: true } }).catch(
      (error: unknown) => error,
    )
    expect(failed).toBeInstanceOf(OperatorError)
    expect(failed).toMatchObject({ code: 'REDIS_UNAVAILABLE' })
    expect(String(failed)).toContain(
      `redis://127.0.0.1:${server.port} does not answer (got: connect ECONNREFUSED`,
    )
    expect(String(failed)).not.toContain('secret')
  })

  it('reports a wrong password', async () => {
    const guarded = await startRedisServer(() => ['--requirepass', 'secret'])
    const url = guarded.url.replace('//', '//:wrong@')
    const failed = await start({ url, startTimeoutMs: 500, redis: { required: true } }).catch(
      (error: unknown) => error,
    )
    expect(String(failed)).toContain('WRONGPASS')
    const right = await start({ url: guarded.url.replace('//', '//:secret@') })
    expect(right.connection.state.up).toBe(true)
    await guarded.remove()
  })

  it('uses local limits while Redis refuses writes', async () => {
    const replica = await start({ redis: { timeoutMs: 3_000 } })
    await replica.connection.send(['CONFIG', 'SET', 'maxmemory', '1'])
    expect((await decide(replica))?.admitted).toBe(true)
    expect(replica.connection.state.up).toBe(false)
    expect(replica.connection.reason).toContain('OOM')
  })

  it('restores its changes in a restarted Redis, and shares changes that were made while it was down', async () => {
    const first = await start()
    const second = await start()
    await first.live.patch({ region: 'West Europe' })
    await expect.poll(() => second.live.current.defaultResource.region).toBe('West Europe')
    await server.kill()
    await expect.poll(() => first.connection.state.up || second.connection.state.up).toBe(false)
    await first.live.patch({ completion_length: 'natural' })
    await second.live.patch({ openai_deployments: { more: { model: 'gpt-4o' } } })
    expect(first.live.current.defaultResource.deployments.has('more')).toBe(false)
    await server.start()
    for (const { live } of [first, second]) {
      await expect.poll(() => live.current.defaultResource.completionLength).toBe('natural')
      await expect.poll(() => live.current.defaultResource.deployments.has('more')).toBe(true)
      expect(live.current.defaultResource.region).toBe('West Europe')
    }
    const third = await start()
    expect(third.live.current.defaultResource).toMatchObject({
      region: 'West Europe',
      completionLength: 'natural',
    })
  })
})
