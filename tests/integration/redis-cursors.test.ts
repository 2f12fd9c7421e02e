import { describe, expect, it } from 'vitest'
import { type RedisReplica, replicaGroup } from '../support/redis-replica.ts'
import { redisNeed } from '../support/redis-server.ts'

const { isMissing, note } = redisNeed

describe.skipIf(isMissing)(`replay cursors in Redis${note}`, () => {
  const replicas = replicaGroup()
  const { startTwo } = replicas
  const counts = async (askers: readonly RedisReplica[], list: string, test?: string): Promise<number[]> => {
    const found: number[] = []
    for (const { cursors } of askers) found.push(await cursors.next(list, test))
    return found
  }

  it('count the requests of all simulators by recorded request and test', async () => {
    const [a, b] = await startTwo()
    expect(await counts([a, b, b, a], 'chat')).toEqual([0, 1, 2, 3])
    expect(await counts([b, a], 'other')).toEqual([0, 1])
    expect(await counts([b, a], 'chat', 'one')).toEqual([0, 1])
    expect(await counts([b], 'chat', '')).toEqual([0])
    expect(await counts([b], 'chat', 'two')).toEqual([0])
    expect(await counts([a], 'chat')).toEqual([4])
  })

  it('return a different position for each of many concurrent requests', async () => {
    const [a, b] = await startTwo()
    const asked = Array.from({ length: 1_200 }, async (_, index) =>
      (index % 3 ? a : b).cursors.next('chat', undefined),
    )
    const found = await Promise.all(asked)
    expect(found.toSorted((one, other) => one - other)).toEqual(Array.from(found.keys()))
  })

  it('restart for all simulators when one of them is reset', async () => {
    const [a, b] = await startTwo()
    await counts([a, b], 'chat')
    await a.cursors.clear()
    expect(await counts([b, a], 'chat')).toEqual([0, 1])
  })

  it('drop the oldest requests above the limit, and expire', async () => {
    const [a] = await startTwo({ maxCounts: 100 })
    for (let test = 0; test < 350; test++) await a.cursors.next('chat', `test ${test}`)
    const keys = (await a.connection.send(['KEYS', `${replicas.prefix}{cursors}*`])) as string[]
    const sizes = await Promise.all(keys.map(async (key) => Number(await a.connection.send(['HLEN', key]))))
    expect(sizes.toSorted((one, other) => one - other)).toEqual([50, 100])
    for (const key of keys) expect(Number(await a.connection.send(['PTTL', key]))).toBeGreaterThan(80_000_000)
    expect(await counts([a], 'chat', 'test 349')).toEqual([1])
    expect(await counts([a], 'chat', 'test 0')).toEqual([0])
  })

  it('are local while Redis is down, and shared again when it is back', async () => {
    const [a, b] = await startTwo()
    await counts([a, b], 'chat')
    await replicas.server.kill()
    await expect.poll(() => a.connection.state.up || b.connection.state.up).toBe(false)
    expect(await counts([a, a, b], 'chat')).toEqual([0, 1, 0])
    await replicas.server.start()
    await expect.poll(() => a.connection.state.up && b.connection.state.up, { timeout: 5_000 }).toBe(true)
    expect(await counts([a, b], 'chat')).toEqual([0, 1])
  })
})
