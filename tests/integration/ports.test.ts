import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { responseArchivePort } from '../../src/generate/responses/response-archive.ts'
import { ResponseStore } from '../../src/generate/responses/response-store.ts'
import { createJournal } from '../../src/journal/journal.ts'
import { journalPort } from '../../src/journal/journal-sink.ts'
import { concurrencyLimiterPort } from '../../src/latency/concurrency-limiter.ts'
import { SlotTable } from '../../src/latency/deployment-slots.ts'
import type { Port } from '../../src/lib/port.ts'
import { createSystemClock } from '../../src/lib/system-clock.ts'
import { LimiterTable } from '../../src/limits/limiter-table.ts'
import { rateLimiterPort } from '../../src/limits/rate-limiter.ts'
import { type RecordingUseSink, recordingUsePort } from '../../src/recordings/recording-use.ts'
import { LocalCursors, replayCursorsPort } from '../../src/recordings/replay-cursors.ts'
import { AuditLog, auditPort } from '../../src/server/twin/audit-log.ts'
import { RedisDocuments } from '../../src/shared/redis/redis-documents.ts'
import { RedisResponses } from '../../src/shared/redis/redis-responses.ts'
import {
  describeAuditSink,
  describeConcurrencyLimiter,
  describeJournalSink,
  describeRateLimiter,
  describeRecordingUse,
  describeReplayCursors,
  describeResponseArchive,
  limitRequest,
  responseRecord,
  startedCall,
} from '../support/ports/describe-ports.ts'
import { rpcPool } from '../support/ports/rpc-pair.ts'
import { type RedisReplica, startReplica } from '../support/redis-replica.ts'
import { redisNeed, type RedisServer, startRedisServer } from '../support/redis-server.ts'

const clock = createSystemClock()
const limits = () => new LimiterTable(clock)
const slots = () => new SlotTable(clock)
const journal = () => createJournal({ size: 10, clock, testHeader: 'x-sim-test', secrets: () => [] })
const concurrency = { slots: 1, queueLength: 5, queueTimeoutMs: 60_000 }
const slotRequest = { resource: 'default', deployment: 'chat', concurrency, timeScale: 1 }

describeRateLimiter('in this process', limits)
describeRateLimiter('RPC', () => rpcPool(rateLimiterPort, limits()).connect().client)
describeConcurrencyLimiter('in this process', slots)
describeConcurrencyLimiter('RPC', () => rpcPool(concurrencyLimiterPort, slots()).connect().client)
describeReplayCursors('in this process', () => new LocalCursors())
describeReplayCursors('RPC', () => rpcPool(replayCursorsPort, new LocalCursors()).connect().client)
describeResponseArchive('in this process', () => new ResponseStore())
describeResponseArchive('RPC', () => rpcPool(responseArchivePort, new ResponseStore()).connect().client)
describeJournalSink('in this process', () => {
  const kept = journal()
  return { sink: kept, entries: () => kept.entries() }
})
describeJournalSink('RPC', () => {
  const kept = journal()
  const pool = rpcPool(journalPort, kept)
  const entries = async () => {
    await pool.catchUp()
    return kept.entries()
  }
  return { sink: pool.connect().client, entries }
})

const all = { tenant: undefined, limit: 10, offset: 0 }
describeAuditSink('in this process', () => {
  const log = new AuditLog()
  return { sink: log, entries: () => log.read(all) }
})
describeAuditSink('RPC', () => {
  const log = new AuditLog()
  const pool = rpcPool(auditPort, log)
  const entries = async () => {
    await pool.catchUp()
    return log.read(all)
  }
  return { sink: pool.connect().client, entries }
})

const recordingUse = () => {
  const arrived: unknown[] = []
  const sink: RecordingUseSink = {
    missed: (miss) => arrived.push(miss),
    used: (use) => arrived.push(use),
  }
  return { sink, arrived }
}
describeRecordingUse('in this process', () => {
  const { sink, arrived } = recordingUse()
  return { sink, arrived: () => arrived }
})
describeRecordingUse('RPC', () => {
  const { sink, arrived } = recordingUse()
  const pool = rpcPool(recordingUsePort, sink)
  const caught = async () => {
    await pool.catchUp()
    return arrived
  }
  return { sink: pool.connect().client, arrived: caught }
})

describe.skipIf(redisNeed.isMissing)(`against a Redis server${redisNeed.note}`, () => {
  let server: RedisServer
  const replicas: RedisReplica[] = []
  beforeAll(async () => {
    server = await startRedisServer()
  })
  afterAll(async () => {
    for (const replica of replicas) replica.close()
    await server.remove()
  })
  const start = async (): Promise<RedisReplica> => {
    const redis = { prefix: `ports ${replicas.length}:`, timeoutMs: 5_000 }
    const replica = await startReplica({ url: server.url, redis })
    replicas.push(replica)
    return replica
  }
  describeRateLimiter('Redis', async () => (await start()).limits)
  describeConcurrencyLimiter('Redis', async () => (await start()).slots)
  describeReplayCursors('Redis', async () => (await start()).cursors)
  describeJournalSink('Redis', async () => {
    const { journal: shared } = await start()
    return { sink: shared, entries: () => shared.entries() }
  })
  describeResponseArchive('Redis', async () => {
    const { connection } = await start()
    const bounds = { documents: 10, bytes: 1_000_000 }
    const documents = new RedisDocuments(connection, `ports ${replicas.length}:`, 'responses', bounds)
    return new RedisResponses({ documents, local: new ResponseStore(), clock })
  })
})

describe('a disconnected caller', () => {
  it('releases the charges that it did not settle, and no others', async () => {
    const keeper = limits()
    const pool = rpcPool(rateLimiterPort, keeper)
    const [dying, other] = [pool.connect(), pool.connect()]
    const settled = await dying.client.decide(limitRequest(300))
    await dying.client.decide(limitRequest(300))
    await other.client.decide(limitRequest(100))
    const usage = { promptTokens: 200, cachedTokens: 0, completionTokens: 0, reasoningTokens: 0 }
    if (settled.admitted) dying.client.settle(settled.lease, usage)
    await dying.client.status(limitRequest(0))
    dying.die()
    expect(keeper.status(limitRequest(0))).toMatchObject({ tokens: { used: 300 } })
  })

  it('releases its slots and its positions in the queue', async () => {
    const keeper = slots()
    const pool = rpcPool(concurrencyLimiterPort, keeper)
    const [dying, other] = [pool.connect(), pool.connect()]
    await dying.client.take(slotRequest)
    await dying.client.take(slotRequest)
    const waiting = await other.client.take(slotRequest)
    if (waiting === 'queue-full') throw new Error('refused')
    const granted = other.client.wait(waiting.lease)
    dying.die()
    expect(await granted).toEqual({ others: 0, waited: true })
    expect([...keeper.occupancy()]).toMatchObject([{ working: 1, waiting: 0 }])
  })

  it('loses the responses that it was sending, and keeps the ended ones', async () => {
    const pool = rpcPool(responseArchivePort, new ResponseStore())
    const [dying, other] = [pool.connect(), pool.connect()]
    const [ended, sending] = [responseRecord('ended'), responseRecord('sending')]
    const { lease } = await dying.client.add(ended)
    await dying.client.add(sending)
    ended.progress.finish(2_000)
    await dying.client.finish(lease!, ended)
    const found = await other.client.get('default', ended.id, 2_000)
    dying.die()
    expect(found?.progress.stageAt(2_000)).toBe('ended')
    expect(await other.client.get('default', ended.id, 2_000)).toBeDefined()
    expect(await other.client.get('default', sending.id, 2_000)).toBeUndefined()
  })

  it('aborts the calls of its clients in the journal', async () => {
    const kept = journal()
    const pool = rpcPool(journalPort, kept)
    const dying = pool.connect()
    const nowMs = performance.now()
    dying.client.started(startedCall('/lost', nowMs - 10), nowMs)
    await pool.catchUp()
    dying.die()
    await pool.catchUp()
    expect(kept.entries()).toMatchObject([{ path: '/lost', aborted: true }])
    expect(kept.entries()[0]?.durationMs).toBeGreaterThanOrEqual(10)
  })
})

describe('several callers', () => {
  it('see the end of a response of another caller that was reported earlier', async () => {
    const pool = rpcPool(responseArchivePort, new ResponseStore())
    const [sender, reader] = [pool.connect(), pool.connect()]
    const record = responseRecord('read')
    const { lease } = await sender.client.add(record)
    record.progress.finish(2_000)
    // Both messages are on their way: the request can arrive before the end.
    const asked = reader.client.get('default', record.id, 2_000)
    void sender.client.finish(lease!, record)
    expect((await asked)?.progress.stageAt(2_000)).toBe('ended')
  })

  it('are recorded in the order of their times, not of their messages', async () => {
    const kept = journal()
    const pool = rpcPool(journalPort, kept)
    const [one, other] = [pool.connect(), pool.connect()]
    const nowMs = performance.now()
    one.client.started(startedCall('/late', nowMs - 5), nowMs - 1)
    other.client.started(startedCall('/early', nowMs - 5), nowMs - 3)
    await pool.catchUp()
    expect(kept.entries().map(({ path }) => path)).toEqual(['/early', '/late'])
  })
})

/** Example of shared state: an interface with its port, and a class. */
interface Counters<Lease = unknown> {
  /** Counts a request. Returns the lease for `leave`. */
  enter(
    name: string,
  ): { readonly lease: Lease; readonly count: number } | Promise<{ lease: Lease; count: number }>
  leave(lease: Lease): void
  count(name: string | undefined): number | Promise<number>
  fail(): Promise<void>
  clear?(): void
}

const countersPort: Port<Counters> = {
  name: 'counters',
  maxLeases: 2,
  methods: {
    enter: { kind: 'request', lease: 'opens' },
    leave: { kind: 'notification', lease: 'ends' },
    count: { kind: 'request' },
    fail: { kind: 'request' },
  },
  releaseLease: (counters, lease) => counters.leave(lease),
}

class LocalCounters implements Counters<string> {
  readonly #counts = new Map<string | undefined, number>()

  enter(name: string): { lease: string; count: number } {
    this.#counts.set(name, this.count(name) + 1)
    return { lease: name, count: this.count(name) }
  }

  leave(name: string): void {
    this.#counts.set(name, this.count(name) - 1)
  }

  count(name: string | undefined): number {
    return this.#counts.get(name) ?? 0
  }

  async fail(): Promise<void> {
    throw new Error('counting failed')
  }
}

describe('a port for new shared state', () => {
  it('needs only its definition and a local class', async () => {
    const pool = rpcPool(countersPort, new LocalCounters())
    const [one, other] = [pool.connect(), pool.connect()]
    const { lease, count } = await one.client.enter('a')
    expect(count).toBe(1)
    expect(await other.client.enter('a')).toMatchObject({ count: 2 })
    one.client.leave(lease)
    expect(await one.client.count('a')).toBe(1)
    expect(await one.client.count(undefined)).toBe(0)
    expect('clear' in one.client).toBe(false)
  })

  it('reports a failure of the owner to the caller', async () => {
    const pool = rpcPool(countersPort, new LocalCounters())
    await expect(pool.connect().client.fail()).rejects.toThrow('counting failed')
    expect(pool.failures).toEqual([])
  })

  it('ends a lease once, and none of another caller', async () => {
    const pool = rpcPool(countersPort, new LocalCounters())
    const [one, other] = [pool.connect(), pool.connect()]
    const { lease } = await one.client.enter('a')
    await other.client.enter('b')
    one.client.leave(lease)
    one.client.leave(lease)
    expect(await one.client.count('a')).toBe(0)
    expect(await one.client.count('b')).toBe(1)
  })

  it('forgets the oldest leases of a caller with too many, and does not release them', async () => {
    const keeper = new LocalCounters()
    const caller = rpcPool(countersPort, keeper).connect()
    for (const name of ['a', 'b', 'c']) await caller.client.enter(name)
    caller.die()
    expect(['a', 'b', 'c'].map((name) => keeper.count(name))).toEqual([1, 0, 0])
  })

  it('releases what the owner grants after the caller has disconnected', async () => {
    const keeper = new LocalCounters()
    let grant = (): void => {}
    const granted = new Promise<void>((resolve) => (grant = resolve))
    const slow: Counters = {
      enter: async (name) => {
        await granted
        return keeper.enter(name)
      },
      leave: (lease) => keeper.leave(lease as string),
      count: (name) => keeper.count(name),
      fail: () => keeper.fail(),
    }
    const pool = rpcPool(countersPort, slow)
    const caller = pool.connect()
    const asked = Promise.resolve(caller.client.enter('a')).catch(() => 'gone')
    await pool.catchUp()
    caller.die()
    grant()
    expect(await asked).toBe('gone')
    await expect.poll(() => keeper.count('a')).toBe(0)
  })
})
