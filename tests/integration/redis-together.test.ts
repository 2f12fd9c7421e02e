import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { LiveConfig } from '../../src/config/live-config.ts'
import type { MadeResource } from '../../src/config/patches.ts'
import { LimiterTable } from '../../src/limits/limiter-table.ts'
import { type LimitReading, readLimits } from '../../src/limits/limit-readings.ts'
import type { RateLimiter } from '../../src/limits/rate-limiter.ts'
import { createRandom } from '../../src/lib/random.ts'
import { createSystemClock } from '../../src/lib/system-clock.ts'
import { type RedisReplica, type ReplicaOptions, startReplica } from '../support/redis-replica.ts'
import { redisNeed, type RedisServer, startRedisServer } from '../support/redis-server.ts'

const deployments = { chat: { model: 'gpt-4o', tokensPerMinute: 60_000, requestsPerMinute: 6_000 } }

describe.skipIf(redisNeed.isMissing)(`several simulators against a Redis server${redisNeed.note}`, () => {
  let server: RedisServer
  const started: RedisReplica[] = []
  beforeAll(async () => {
    server = await startRedisServer()
  })
  afterEach(() => {
    for (const replica of started.splice(0)) replica.close()
  })
  afterAll(() => server.remove())

  let prefixes = 0
  const start = async (count: number, options: Partial<ReplicaOptions> = {}): Promise<RedisReplica[]> => {
    const redis = { prefix: `test ${++prefixes}:`, timeoutMs: 5_000 }
    const replicas = await Promise.all(
      Array.from({ length: count }, () => startReplica({ url: server.url, deployments, redis, ...options })),
    )
    started.push(...replicas)
    return replicas
  }

  it('admit together the same as a single one within 2 %, with corrections', async () => {
    const replicas = await start(3)
    const random = createRandom('load')
    const clock = createSystemClock()
    const local = new LimiterTable(clock)
    const run = async (authorityOf: () => RateLimiter): Promise<number> => {
      let tokens = 0
      const request = async (): Promise<void> => {
        const question = replicas[0]?.question('chat', 100)
        if (!question) return
        const limiter = authorityOf()
        const decision = await limiter.decide(question)
        if (!decision.admitted) return
        tokens += 80
        await sleep(random.below(20))
        const usage = { promptTokens: 80, completionTokens: 0, cachedTokens: 0, reasoningTokens: 0 }
        limiter.settle(decision.lease, usage)
      }
      // More than twice the limit, during one second.
      for (let round = 0; round < 50; round++) {
        for (let each = 0; each < 34; each++) void request()
        await sleep(20)
      }
      await sleep(60)
      return tokens
    }
    const together = await run(() => (replicas[random.below(3)] as RedisReplica).limits)
    const alone = await run(() => local)
    expect(alone).toBeGreaterThan(59_000)
    expect(Math.abs(together - alone) / alone).toBeLessThan(0.02)
    expect(replicas.map(({ connection }) => connection.state.fallbacks)).toEqual([0, 0, 0])
  })

  it('show the use of a limit by all of them, also to one without requests', async () => {
    const [first, second, third] = await start(3)
    if (!first || !second || !third) return
    await first.limits.decide(first.question('chat', 100))
    await second.limits.decide(second.question('chat', 50))
    const read = ({ live, limits }: RedisReplica): Promise<LimitReading[]> =>
      readLimits(live.current, { limits, phaseOf: () => undefined })
    for (const replica of [first, second, third]) {
      expect(await read(replica)).toMatchObject([
        {
          resource: 'default',
          deployment: 'chat',
          use: { tokens: { limit: 60_000, used: 150 }, requests: { limit: 6_000, used: 2 } },
        },
      ])
    }
  })

  it('show the same use as the status, at any time after the requests', async () => {
    let nowMs = 1_000_000
    const [replica] = await start(1, { timeOverride: () => nowMs })
    if (!replica) return
    const { limits } = replica
    const random = createRandom('times')
    const subject = replica.question('chat', 0)
    for (let step = 0; step < 60; step++) {
      nowMs += random.below(step % 10 === 9 ? 70_000 : 9_000)
      if (random.unit() < 0.6) await limits.decide(replica.question('chat', random.below(500)))
      const status = await limits.status(subject)
      if (status.kind !== 'pay-as-you-go') throw new Error('kind')
      expect(await limits.use(subject)).toEqual({
        kind: 'pay-as-you-go',
        tokens: { limit: 60_000, used: status.tokens?.used },
        requests: { limit: 6_000, used: status.requestsInMinute.used },
      })
    }
  })

  it('keep one small key for each deployment, which expires a minute after the last request', async () => {
    const [replica] = await start(1)
    if (!replica) return
    await replica.limits.decide(replica.question('chat', 100))
    const { connection } = replica
    const prefix = `test ${prefixes}:`
    const [, keys] = (await connection.send(['SCAN', '0', 'MATCH', `${prefix}*`, 'COUNT', '1000'])) as [
      string,
      string[],
    ]
    expect(keys.toSorted()).toEqual([`${prefix}alive`, `${prefix}limits:{default/chat}:windows`])
    const key = `${prefix}limits:{default/chat}:windows`
    expect(Number(await connection.send(['STRLEN', key]))).toBe(7_248)
    const expiry = Number(await connection.send(['PTTL', key]))
    expect(expiry).toBeGreaterThan(59_000)
    expect(expiry).toBeLessThanOrEqual(61_000)
  })

  it('apply the changes of one of them, and so does one that starts later', async () => {
    const [first, second] = await start(2)
    const prefix = `test ${prefixes}:`
    await first?.live.patch({
      openai_deployments: { chat: { tokens_per_minute: 7_000 } },
      region: 'West Europe',
    })
    await expect.poll(() => second?.live.current.defaultResource.region).toBe('West Europe')
    expect(second?.live.current.defaultResource.deployments.get('chat')?.tokensPerMinute).toBe(7_000)
    const [late] = await start(1, { redis: { prefix } })
    expect(late?.live.current.defaultResource.region).toBe('West Europe')

    await late?.live.putDeployment('more', { model: 'gpt-4o' })
    await expect.poll(() => first?.live.current.defaultResource.deployments.has('more')).toBe(true)
    await late?.live.reset()
    await expect.poll(() => second?.live.current.defaultResource.region).toBe('East US 2')
    expect(second?.live.current.defaultResource.deployments.has('more')).toBe(false)
  })

  it('write and read only what a change concerns', async () => {
    const [first, second] = await start(2)
    if (!first || !second) return
    const madeOf = (index: number): MadeResource => ({
      entry: { deployments: { chat: { model: 'gpt-4o' } } },
      keys: [],
      id: `id-${index}`,
      secret: 'secret',
      createdAt: '2026-11-30T00:00:00Z',
    })
    const made = Object.fromEntries(
      Array.from({ length: 200 }, (_, index) => [`made-${index}`, madeOf(index)]),
    )
    await first.live.update((patches) => ({ patches: { ...patches, made }, result: undefined }))
    await expect.poll(() => second.live.current.resources.size).toBe(201)
    const before = second.live.current.resources

    await first.live.putDeployment('new', { model: 'gpt-4o-mini' }, 'made-7')
    const viewOf = (live: LiveConfig) => live.current.resources.get('made-7')
    await expect.poll(() => viewOf(second.live)?.deployments.has('new')).toBe(true)
    const changed = [...second.live.current.resources].filter(([name, view]) => before.get(name) !== view)
    expect(changed.map(([name]) => name)).toEqual(['made-7'])
    const key = `test ${prefixes}:config:fields`
    expect(await first.connection.send(['HGET', key, 'version'])).toBe('2')
    expect(Number(await first.connection.send(['HSTRLEN', key, '#2']))).toBeLessThan(200)
    expect(Number(await first.connection.send(['HSTRLEN', key, '#1']))).toBeGreaterThan(10_000)

    await second.live.update((patches) => ({
      patches: { ...patches, made: { ...made, 'made-7': { ...madeOf(7), id: 'again' } }, resources: {} },
      result: undefined,
    }))
    await expect.poll(() => viewOf(first.live)?.id).toBe('again')
    expect([...(viewOf(first.live)?.deployments.keys() ?? [])]).toEqual(['chat'])
  })

  it('read all changes if too many have been made since their last one', async () => {
    const [first] = await start(1)
    const prefix = `test ${prefixes}:`
    for (let index = 0; index < 70; index++)
      await first?.live.putDeployment(`made-${index}`, { model: 'gpt-4o' })
    await first?.live.putDeployment('made-5', null)
    const [late] = await start(1, { redis: { prefix } })
    expect(late?.live.current.defaultResource.deployments.size).toBe(70)
    expect(late?.live.patches).toEqual(first?.live.patches)
    const key = `${prefix}config:fields`
    // The version, one field, and the last changes.
    expect(Number(await first?.connection.send(['HLEN', key]))).toBe(2 + 64)
    await late?.live.putDeployment('chat', null)
    await expect.poll(() => first?.live.current.defaultResource.deployments.has('chat')).toBe(false)
  })

  it('lose no change when several change the configuration concurrently', async () => {
    const replicas = await start(3)
    const names = Array.from({ length: 24 }, (_, index) => `made-${index}`)
    const changes = await Promise.all(
      names.map(async (name, index) =>
        replicas[index % 3]?.live.patch({ openai_deployments: { [name]: { model: 'gpt-4o' } } }),
      ),
    )
    expect(changes.flatMap((change) => change?.problems)).toEqual([])
    for (const { live } of replicas) {
      await expect
        .poll(() => [...live.current.defaultResource.deployments.keys()].toSorted())
        .toEqual([...names, 'chat'].toSorted())
    }
  })

  it('refuse a wrong change, and do not send it to others', async () => {
    const [first, second] = await start(2)
    const change = await first?.live.patch({ limit_profile: 'never' })
    expect(change?.problems).toHaveLength(1)
    await first?.live.patch({ region: 'West Europe' })
    await expect.poll(() => second?.live.current.defaultResource.region).toBe('West Europe')
    expect(second?.log.filter(({ level }) => level === 'warn')).toEqual([])
  })

  it('reset their limits when one of them is reset', async () => {
    const [first, second] = await start(2)
    if (!first || !second) return
    let resets = 0
    second.patches.onReset(() => resets++)
    first.patches.onReset(() => resets++)
    for (let each = 0; each < 6; each++) await first.limits.decide(first.question('chat', 20_000))
    expect((await second.limits.decide(second.question('chat', 10))).admitted).toBe(false)
    await first.limits.clear()
    await first.patches.publishReset()
    expect((await second.limits.decide(second.question('chat', 10))).admitted).toBe(true)
    await expect.poll(() => resets).toBe(1)
  })

  it('are separated by their prefix', async () => {
    const [one] = await start(1)
    const [other] = await start(1)
    if (!one || !other) return
    for (let each = 0; each < 3; each++) await one.limits.decide(one.question('chat', 50_000))
    expect((await one.limits.decide(one.question('chat', 10))).admitted).toBe(false)
    expect((await other.limits.decide(other.question('chat', 10))).admitted).toBe(true)
    await other.limits.clear()
    expect((await one.limits.decide(one.question('chat', 10))).admitted).toBe(false)
  })
})
