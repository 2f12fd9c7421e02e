import { createClient } from '@redis/client'
import { afterEach, describe, expect, it } from 'vitest'
import { OperatorError } from '../../src/lib/operator-error.ts'
import { RedisDocuments } from '../../src/shared/redis/redis-documents.ts'
import { freePort } from '../support/free-port.ts'
import { type RedisReplica, type ReplicaOptions, startReplica } from '../support/redis-replica.ts'
import { redisNeed, type RedisServer, startRedisServer } from '../support/redis-server.ts'

const deployments = {
  chat: { model: 'gpt-4o', tokensPerMinute: 60_000, requestsPerMinute: 60_000 },
  units: { model: 'gpt-4o', provisionedThroughputUnits: 15 },
}
const lastSlot = '16383'

describe.skipIf(redisNeed.isMissing)(`servers of a cluster against a Redis server${redisNeed.note}`, () => {
  const servers: RedisServer[] = []
  const replicas: RedisReplica[] = []
  afterEach(async () => {
    for (const replica of replicas.splice(0)) replica.close()
    for (const server of servers.splice(0)) await server.remove()
  })

  const startServer = async (): Promise<RedisServer & { readonly busPort: string }> => {
    const busPort = String(await freePort())
    const args = `--cluster-enabled yes --cluster-port ${busPort} --cluster-require-full-coverage no`
    const server = await startRedisServer(() => args.split(' '))
    servers.push(server)
    return { ...server, busPort }
  }
  const send = async ({ url }: RedisServer, ...commands: (readonly string[])[]): Promise<unknown[]> => {
    const client = createClient({ url })
    client.on('error', () => undefined)
    await client.connect()
    try {
      return await Promise.all(commands.map((command) => client.sendCommand([...command])))
    } finally {
      client.destroy()
    }
  }
  const untilItIsWhole = async (server: RedisServer): Promise<void> => {
    await expect
      .poll(async () => String(await send(server, ['CLUSTER', 'INFO'])), { timeout: 15_000 })
      .toMatch(/cluster_state:ok[^]*cluster_slots_ok:16384/)
  }
  const start = async (server: RedisServer, options: Partial<ReplicaOptions> = {}): Promise<RedisReplica> => {
    const redis = { timeoutMs: 30_000 }
    const replica = await startReplica({ url: server.url, deployments, redis, ...options })
    replicas.push(replica)
    return replica
  }

  it('serve limits, changes and documents if one server has all keys: each script uses one hash slot', async () => {
    const server = await startServer()
    await send(server, ['CLUSTER', 'ADDSLOTSRANGE', '0', lastSlot])
    await untilItIsWhole(server)
    const [first, second] = [await start(server), await start(server)]
    for (const name of ['chat', 'units']) {
      const decision = await first.limits.decide(first.question(name, 100))
      expect(decision?.admitted).toBe(true)
      if (decision.admitted) first.limits.settle(decision.lease, undefined)
    }
    await first.live.patch({ region: 'West Europe' })
    await expect
      .poll(() => second.live.current.defaultResource.region, { timeout: 15_000 })
      .toBe('West Europe')
    const documents = new RedisDocuments(first.connection, 'x:', 'things', { documents: 1, bytes: 1_000 })
    await documents.put('one', { fixed: 'a', changing: 'b' })
    await documents.put('two', { fixed: 'a', changing: 'b' })
    await documents.change('two', 'c')
    expect(await documents.get('one')).toBeUndefined()
    expect(await documents.get('two')).toEqual({ fixed: 'a', changing: 'c' })
    await documents.remove('two')
    await documents.clear()
    await first.limits.clear()
    expect([first, second].map(({ connection }) => connection.state.fallbacks)).toEqual([0, 0])
    expect(first.connection.state.up).toBe(true)
  })

  it('refuse to start if the server has only some of the keys, and say what to do', async () => {
    const [one, other] = [await startServer(), await startServer()]
    await send(one, ['CLUSTER', 'ADDSLOTSRANGE', '0', '8191'])
    await send(other, ['CLUSTER', 'ADDSLOTSRANGE', '8192', lastSlot])
    await send(one, ['CLUSTER', 'MEET', '127.0.0.1', String(other.port), other.busPort])
    await untilItIsWhole(one)

    for (const required of [true, false]) {
      const failed = await start(one, {
        startTimeoutMs: 1_500,
        redis: { required, timeoutMs: 30_000 },
      }).catch((error: unknown) => error)
      expect(failed).toBeInstanceOf(OperatorError)
      expect(failed).toMatchObject({ code: 'REDIS_UNAVAILABLE' })
      expect(String(failed)).toContain('does not have all keys (got: MOVED ')
      expect(String(failed)).toContain('cluster policy Enterprise')
    }
  })
})
