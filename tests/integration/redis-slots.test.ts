import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import type { SlotGrant, SlotRefusal, SlotResult, SlotLease } from '../../src/latency/concurrency-limiter.ts'
import { type RedisReplica, replicaGroup } from '../support/redis-replica.ts'
import { redisNeed } from '../support/redis-server.ts'

/** A request, and the result of its request for a slot. */
class Request {
  answer: SlotGrant | SlotRefusal | undefined
  readonly answered: Promise<SlotGrant | SlotRefusal>
  readonly #end: () => void

  constructor(replica: RedisReplica, { deployment = 'chat', resource = 'default', ...size }: Size) {
    const { slots, queueLength = 10, queueTimeoutMs = 60_000 } = size
    const concurrency = slots === undefined ? undefined : { slots, queueLength, queueTimeoutMs }
    const taken = replica.slots.take({ resource, deployment, concurrency, timeScale: 1 })
    this.#end = () => {
      if (taken !== 'queue-full') replica.slots.end(taken.lease)
    }
    if (taken === 'queue-full') this.answer = taken
    else this.answer = taken.grant
    this.answered = answerOf(replica, taken).then((answer) => (this.answer = answer))
  }

  end(): void {
    this.#end()
  }
}

async function answerOf(
  { slots }: RedisReplica,
  taken: SlotResult<SlotLease>,
): Promise<SlotGrant | SlotRefusal> {
  if (taken === 'queue-full') return taken
  return taken.grant ?? (await slots.wait(taken.lease)) ?? 'left'
}

interface Size {
  readonly slots?: number
  readonly queueLength?: number
  readonly queueTimeoutMs?: number
  readonly deployment?: string
  readonly resource?: string
}

const { isMissing, note } = redisNeed

describe.skipIf(isMissing)(`slots in Redis${note}`, () => {
  const replicas = replicaGroup()
  const { startTwo } = replicas
  const keysOf = async (replica: RedisReplica): Promise<string[]> =>
    (await replica.connection.send(['KEYS', `${replicas.prefix}slots*`])) as string[]
  const working = (replica: RedisReplica): number => [...replica.slots.occupancy()][0]?.working ?? 0
  const waiting = (replica: RedisReplica): number => [...replica.slots.occupancy()][0]?.waiting ?? 0

  it('are shared by all simulators, and each grant reports how many other requests run', async () => {
    const [a, b] = await startTwo()
    const size = { slots: 3 }
    expect(await new Request(a, size).answered).toEqual({ others: 0, waited: false })
    expect(await new Request(b, size).answered).toEqual({ others: 1, waited: false })
    const last = new Request(a, size)
    expect(await last.answered).toEqual({ others: 2, waited: false })
    const late = new Request(b, size)
    await expect.poll(() => waiting(b)).toBe(1)
    await sleep(50)
    expect(late.answer).toBeUndefined()
    last.end()
    expect(await late.answered).toEqual({ others: 2, waited: true })
    expect([working(a), working(b), waiting(b)]).toEqual([1, 2, 0])
  })

  it('are granted in the order of arrival, on any simulator', async () => {
    const [a, b] = await startTwo()
    const size = { slots: 1 }
    const first = new Request(a, size)
    await first.answered
    const order: string[] = []
    const requests = new Map<string, Request>()
    for (const [name, replica] of [
      ['b1', b],
      ['a1', a],
      ['b2', b],
      ['a2', a],
    ] as const) {
      const before = waiting(replica)
      const request = new Request(replica, size)
      requests.set(name, request)
      void request.answered.then(() => {
        order.push(name)
        request.end()
      })
      await expect.poll(() => waiting(replica)).toBe(before + 1)
    }
    first.end()
    await Promise.all(Array.from(requests.values(), ({ answered }) => answered))
    expect(order).toEqual(['b1', 'a1', 'b2', 'a2'])
  })

  it('are refused when the shared queue is full', async () => {
    const [a, b] = await startTwo()
    const size = { slots: 1, queueLength: 1 }
    const first = new Request(a, size)
    await first.answered
    const waits = new Request(b, size)
    await expect.poll(() => waiting(b)).toBe(1)
    expect(await new Request(a, size).answered).toBe('queue-full')
    expect(await new Request(b, size).answered).toBe('queue-full')
    first.end()
    expect(await waits.answered).toEqual({ others: 0, waited: true })
  })

  it.each(['left', 'timed-out'] as const)(
    'free the position in the queue of a request that %s',
    async (how) => {
      const [a, b] = await startTwo()
      const size = { slots: 1, queueLength: 1 }
      const first = new Request(a, size)
      await first.answered
      const leaving = new Request(b, { ...size, queueTimeoutMs: how === 'left' ? 60_000 : 500 })
      await expect.poll(() => waiting(b)).toBe(1)
      if (how === 'left') leaving.end()
      expect(await leaving.answered).toBe(how)
      const next = new Request(a, size)
      await expect.poll(() => waiting(a)).toBe(1)
      first.end()
      expect(await next.answered).toEqual({ others: 0, waited: true })
    },
  )

  it('are released when a client leaves before the grant is known', async () => {
    const [a, b] = await startTwo()
    const size = { slots: 1 }
    const leaving = new Request(a, size)
    leaving.end()
    expect(await leaving.answered).toBe('left')
    expect(await new Request(b, size).answered).toMatchObject({ others: 0 })
    expect(working(a)).toBe(0)
  })

  it('count running requests without a limit as well', async () => {
    const [a, b] = await startTwo()
    const request = new Request(a, {})
    await request.answered
    expect(await new Request(b, {}).answered).toEqual({ others: 1, waited: false })
    request.end()
    await expect.poll(() => new Request(b, {}).answered).toMatchObject({ waited: false })
  })

  it('are separate for each resource and deployment, and leave nothing in Redis when no request runs', async () => {
    const [a, b] = await startTwo()
    const requests = [
      new Request(a, { slots: 1 }),
      new Request(b, { slots: 1, resource: 'other' }),
      new Request(b, { slots: 1, deployment: 'chat/other' }),
    ]
    for (const { answered } of requests) expect(await answered).toEqual({ others: 0, waited: false })
    const keys = await keysOf(a)
    expect(keys).toHaveLength(3)
    for (const key of keys) {
      const ttlMs = Number(await a.connection.send(['PTTL', key]))
      expect(ttlMs).toBeGreaterThan(0)
      expect(ttlMs).toBeLessThanOrEqual(20_000)
    }
    for (const request of requests) request.end()
    await expect.poll(() => keysOf(a)).toEqual([])
  })

  it('are released one lease after their simulator has stopped, and so are its queued requests', async () => {
    const [a, b] = await startTwo({ leaseMs: 600 })
    const size = { slots: 1, queueLength: 2 }
    await new Request(a, size).answered
    void new Request(a, size)
    await expect.poll(() => waiting(a)).toBe(1)
    const waits = new Request(b, size)
    await expect.poll(() => waiting(b)).toBe(1)
    a.close()
    const diedMs = performance.now()
    expect(await waits.answered).toEqual({ others: 0, waited: true })
    expect(performance.now() - diedMs).toBeLessThan(2_500)
  })

  it('are held longer than a lease by a running simulator', async () => {
    const [a, b] = await startTwo({ leaseMs: 300 })
    await new Request(a, { slots: 1 }).answered
    const waits = new Request(b, { slots: 1 })
    await sleep(1_200)
    expect(waits.answer).toBeUndefined()
    expect([waiting(b), working(a)]).toEqual([1, 1])
  })

  it('are restored in Redis with their queue after it has lost them', async () => {
    const [a, b] = await startTwo({ leaseMs: 600 })
    const size = { slots: 1 }
    const first = new Request(a, size)
    await first.answered
    const waits = new Request(b, size)
    await expect.poll(() => waiting(b)).toBe(1)
    // A free slot goes to the first request. The request after it on the same connection reports the held slot.
    const lost = a.connection.send(['DEL', ...(await keysOf(a))])
    const behind = new Request(a, { ...size, queueLength: 2 })
    await lost
    // Both simulators renew their leases.
    await sleep(600)
    expect([waits.answer, behind.answer]).toEqual([undefined, undefined])
    first.end()
    await behind.answered
    expect(waits.answer).toBeUndefined()
    behind.end()
    expect(await waits.answered).toEqual({ others: 0, waited: true })
  })

  it('never exceed their number, and all requests are granted one, when three simulators are busy', async () => {
    const three = await replicas.start(3)
    let running = 0
    let max = 0
    const outcomes: unknown[] = []
    const size = { slots: 4, queueLength: 1_000 }
    await Promise.all(
      Array.from({ length: 300 }, async (_, index) => {
        await sleep((index * 7) % 100)
        const request = new Request(three[index % 3] as RedisReplica, size)
        const leave = (): void => {
          if (request.answer === undefined) request.end()
        }
        if (index % 10 === 0) setTimeout(leave, (index * 13) % 40)
        const answer = await request.answered
        outcomes.push(typeof answer === 'string' ? answer : 'granted')
        if (typeof answer === 'string') return
        max = Math.max(max, ++running)
        await sleep((index * 11) % 8)
        running--
        request.end()
      }),
    )
    expect(max).toBeLessThanOrEqual(4)
    expect(outcomes).toHaveLength(300)
    expect(outcomes.filter((outcome) => outcome === 'granted').length).toBeGreaterThanOrEqual(270)
    await expect.poll(() => keysOf(three[0] as RedisReplica)).toEqual([])
  })

  describe('when Redis is killed', () => {
    afterEach(async () => {
      await replicas.server.kill()
      await replicas.server.start()
    })

    it('are local until it is back, then shared again including the held ones', async () => {
      const [a, b] = await startTwo()
      const size = { slots: 2, queueLength: 2 }
      const held = [new Request(a, size), new Request(a, size)]
      for (const { answered } of held) await answered
      const waits = new Request(b, size)
      await expect.poll(() => waiting(b)).toBe(1)
      await replicas.server.kill()
      // This simulator has both slots for itself.
      expect(await waits.answered).toEqual({ others: 0, waited: true })
      expect(new Request(b, size).answer).toEqual({ others: 1, waited: false })
      const local = new Request(b, size)
      const atA = new Request(a, size)
      await expect.poll(() => [waiting(a), waiting(b)]).toEqual([1, 1])

      await replicas.server.start()
      await expect.poll(() => a.connection.state.up && b.connection.state.up, { timeout: 5_000 }).toBe(true)
      await expect.poll(() => keysOf(a)).toHaveLength(2)
      // Four requests run: one that ends leaves no free slot.
      waits.end()
      held[0]?.end()
      await sleep(200)
      expect([local.answer, atA.answer]).toEqual([undefined, undefined])
      held[1]?.end()
      await expect.poll(() => [local, atA].filter(({ answer }) => answer).length).toBe(1)
    })

    it('lose no request that is made at that moment', async () => {
      const [a, b] = await startTwo()
      const size = { slots: 3, queueLength: 1_000 }
      let answered = 0
      let sent = 0
      for (let round = 0; round < 60; round++) {
        for (const replica of [a, b]) {
          sent++
          const request = new Request(replica, size)
          void request.answered.then(async () => {
            answered++
            await sleep(1)
            request.end()
          })
        }
        if (round === 20) void replicas.server.kill()
        if (round === 40) await replicas.server.start()
        await sleep(4)
      }
      await expect.poll(() => answered, { timeout: 10_000 }).toBe(sent)
      await expect.poll(() => [working(a), working(b)]).toEqual([0, 0])
    })
  })
})
