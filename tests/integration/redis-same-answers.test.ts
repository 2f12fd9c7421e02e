import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Charge, LimiterTable } from '../../src/limits/limiter-table.ts'
import { limitsOf } from '../../src/limits/limit-plan.ts'
import type { LimitRequest, LimitResult } from '../../src/limits/rate-limiter.ts'
import { createVirtualClock } from '../../src/lib/virtual-clock.ts'
import { createRandom } from '../../src/lib/random.ts'
import type { RedisCharge } from '../../src/shared/redis/redis-limits.ts'
import { type RedisReplica, startReplica } from '../support/redis-replica.ts'
import { redisNeed, type RedisServer, startRedisServer } from '../support/redis-server.ts'

const deployments = {
  both: { model: 'gpt-4o', tokensPerMinute: 5_000, requestsPerMinute: 40 },
  tokens: { model: 'gpt-4o', tokensPerMinute: 3_000, requestsPerMinute: 6_000 },
  few: { model: 'gpt-4o', tokensPerMinute: 100_000, requestsPerMinute: 5 },
  requests: { model: 'gpt-4o', requestsPerMinute: 60, requestsSliceSeconds: 1 },
  provisioned: { model: 'gpt-4o', provisionedThroughputUnits: 15 },
}

/** Everything of a decision that a client can see. */
const seen = (decision: LimitResult): unknown => {
  const { admitted, status } = decision
  if (decision.admitted) return exact({ admitted, status })
  return exact({ admitted, status, kind: decision.kind, retryAfterMs: decision.retryAfterMs })
}

/** A level that drains in two steps can differ in the last bit from one that drains in one. */
const exact = (value: unknown): unknown => {
  if (value === undefined) return undefined
  const round = (_key: string, part: unknown): unknown =>
    typeof part === 'number' ? Number(part.toPrecision(12)) : part
  return JSON.parse(JSON.stringify(value, round))
}

describe.skipIf(redisNeed.isMissing)(`limits against a Redis server${redisNeed.note}`, () => {
  let server: RedisServer
  let replica: RedisReplica
  let nowMs = 0
  beforeAll(async () => {
    server = await startRedisServer()
    replica = await startReplica({
      url: server.url,
      deployments,
      redis: { timeoutMs: 5_000 },
      timeOverride: () => nowMs,
    })
  })
  afterAll(async () => {
    replica.close()
    await server.remove()
  })

  it.each(['one', 'two', 'three'])(
    'admit, refuse, report and correct like the limits of a single process: sequence %s',
    async (seed) => {
      await replica.limits.clear()
      const random = createRandom(seed)
      const local = new LimiterTable({ ...createVirtualClock(), nowMs: () => nowMs })
      // Results other than decisions, and the expected ones.
      const actual: unknown[] = []
      const expected: unknown[] = []
      type Result<L> = LimitResult<L> & { readonly admitted: true }
      const open: { here: Result<Charge>; there: Result<RedisCharge>; name: string }[] = []
      const names = Object.keys(deployments)
      const counts = { admitted: 0, refused: 0, discounted: 0 }
      nowMs = 1_000_000 + random.unit() * 1_000
      for (let step = 0; step < 900; step++) {
        // Mostly close together, sometimes later than the slice, the window, or everything.
        nowMs += [0, 3.25, 80, 700, 2_500, 11_000, 47_000, 130_000][Math.floor(random.unit() ** 4 * 8)] ?? 0
        let hasDrained = false
        while (open.length > 0 && random.below(2) === 0) {
          const [ended] = open.splice(random.below(open.length), 1)
          const failed = random.below(5) === 0
          const usage = {
            promptTokens: random.below(600),
            completionTokens: random.below(600),
            cachedTokens: 0,
            reasoningTokens: 0,
          }
          if (!ended) continue
          hasDrained ||= ended.name === 'provisioned'
          local.settle(ended.here.lease, failed ? undefined : usage)
          replica.limits.settle(ended.there.lease, failed ? undefined : usage)
        }
        // Corrections are batched for some milliseconds. No virtual time may pass meanwhile if the limit drains.
        const name = hasDrained ? 'provisioned' : (names[random.below(names.length)] ?? 'both')
        const burst = name === 'provisioned' ? 30_000 : 900
        const usual = replica.question(name, random.below(20) === 0 ? burst * 8 : random.below(burst))
        const limitFactor = random.below(25) === 0 ? 0.5 : 1
        const profileName = random.below(10) === 0 ? '2024-10' : '2026-09'
        const deployment = replica.live.current.defaultResource.deployments.get(name)
        const limits = deployment && limitsOf(deployment, profileName, limitFactor)
        const question: LimitRequest = {
          ...usual,
          limits: limits ?? usual.limits,
          cost: { ...usual.cost, completionTokens: random.below(50) },
        }
        const here = local.decide(question)
        const there = await replica.limits.decide(question)
        expect(seen(there), `step ${step}, ${name}`).toEqual(seen(here))
        counts[here.admitted ? 'admitted' : 'refused']++
        if (here.admitted && there.admitted) {
          if (question.limits.kind === 'provisioned' && random.below(3) === 0) {
            counts.discounted++
            actual.push(exact(await replica.limits.discount(there.lease, 120)))
            expected.push(exact(local.discount(here.lease, 120)))
          }
          open.push({ here, there, name })
        }
        if (step % 20 === 0) {
          // Read the status after the corrections.
          await new Promise((resolve) => setTimeout(resolve, 12))
          for (const asked of names) {
            const about = replica.question(asked, 0)
            actual.push(exact(await replica.limits.status(about)))
            expected.push(exact(local.status(about)))
          }
        }
      }
      expect(actual).toEqual(expected)
      expect(counts.admitted).toBeGreaterThan(100)
      expect(counts.refused).toBeGreaterThan(100)
      expect(counts.discounted).toBeGreaterThan(5)
    },
  )

  it('decide about concurrent requests like about consecutive ones', async () => {
    await replica.limits.clear()
    nowMs += 200_000
    const local = new LimiterTable({ ...createVirtualClock(), nowMs: () => nowMs })
    const questions = Array.from({ length: 1_200 }, (_, index) =>
      replica.question(index % 3 === 0 ? 'provisioned' : 'both', 100 + (index % 50)),
    )
    const here = questions.map((question) => local.decide(question))
    const there = await Promise.all(questions.map(async (question) => replica.limits.decide(question)))
    expect(there.map(seen)).toEqual(here.map(seen))
  })

  it('ignore charges from before a clear() when their answer ends later', async () => {
    await replica.limits.clear()
    const before = await replica.limits.decide(replica.question('tokens', 2_000))
    await replica.limits.clear()
    const after = await replica.limits.decide(replica.question('tokens', 500))
    if (before.admitted) replica.limits.settle(before.lease, undefined)
    await new Promise((resolve) => setTimeout(resolve, 12))
    const status = await replica.limits.status(replica.question('tokens', 0))
    expect(after.admitted).toBe(true)
    expect(status).toMatchObject({ tokens: { used: 500 } })
  })
})
