import { afterAll, afterEach, beforeAll } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { type LiveConfig, loadLiveConfig } from '../../src/config/live-config.ts'
import { LocalCursors } from '../../src/recordings/replay-cursors.ts'
import { LimiterTable } from '../../src/limits/limiter-table.ts'
import { limitsOf } from '../../src/limits/limit-plan.ts'
import type { LimitRequest } from '../../src/limits/rate-limiter.ts'
import { createSystemClock } from '../../src/lib/system-clock.ts'
import { connectRedis } from '../../src/shared/redis/connect-redis.ts'
import type { RedisConnection } from '../../src/shared/redis/redis-connection.ts'
import { createRedisLimits, type RedisLimits } from '../../src/shared/redis/redis-limits.ts'
import { RedisCursors } from '../../src/shared/redis/redis-cursors.ts'
import type { JournalBounds } from '../../src/shared/redis/journal-outbox.ts'
import { RedisJournal } from '../../src/shared/redis/redis-journal.ts'
import { RedisSlots } from '../../src/shared/redis/redis-slots.ts'
import { createRedisPatches, type RedisPatches } from '../../src/shared/redis/redis-patches.ts'
import { filesInMemory } from './files-in-memory.ts'
import { type RedisServer, startRedisServer } from './redis-server.ts'
import { collectInto, type LogLine } from './test-logger.ts'
import { testKey } from './test-simulator.ts'

/** The Redis adapters of one simulator, with a separate connection. */
export interface RedisReplica {
  readonly live: LiveConfig
  readonly connection: RedisConnection
  readonly limits: RedisLimits
  readonly slots: RedisSlots
  readonly journal: RedisJournal
  readonly cursors: RedisCursors
  readonly patches: RedisPatches
  readonly log: LogLine[]
  /** What a request asks of a deployment of the configuration; tokens are all of the prompt. */
  question(deployment: string, tokens: number): LimitRequest
  close(): void
}

/** How a replica is started. */
export interface ReplicaOptions {
  readonly url: string
  /** Name to model and limits, as the deployment file has them. */
  readonly deployments?: Readonly<Record<string, object>>
  readonly redis?: Partial<Config['redis']>
  readonly attemptTimeoutMs?: number
  readonly startTimeoutMs?: number
  /** Of the journal; default: 1,000. */
  readonly journalSize?: number
  readonly journalBounds?: JournalBounds
  /** The keys that its journal leaves out of its notes; default: none. */
  readonly secrets?: () => readonly string[]
  /** How many cursors a generation remembers; default: 50,000. */
  readonly maxCounts?: number
  /** Default: ten seconds. */
  readonly leaseMs?: number
  /** Replaces the clock of Redis. */
  readonly timeOverride?: () => number
}

/** Starts one. */
export async function startReplica(options: ReplicaOptions): Promise<RedisReplica> {
  const {
    url,
    deployments = {},
    redis = {},
    timeOverride,
    attemptTimeoutMs,
    startTimeoutMs,
    leaseMs,
  } = options
  const { journalSize = 1_000, journalBounds, maxCounts } = options
  const live = loadLiveConfig({
    flags: {},
    env: { SIMULATOR_API_KEY: testKey, OPENAI_DEPLOYMENT_CONFIG_PATH: 'deployments.json' },
    workingDirectory: '/',
    readFile: filesInMemory({ 'deployments.json': JSON.stringify(deployments) }),
  })
  const log: LogLine[] = []
  const logger = collectInto(log)
  const clock = createSystemClock()
  const prefix = redis.prefix ?? live.current.redis.prefix
  const connection = await connectRedis(
    { ...live.current.redis, ...redis, url },
    {
      clock,
      logger,
      ...(attemptTimeoutMs && { attemptTimeoutMs }),
      ...(startTimeoutMs && { startTimeoutMs }),
    },
  )
  const limits = createRedisLimits({
    connection,
    prefix,
    local: new LimiterTable(clock),
    ...(timeOverride && { timeOverride }),
  })
  const slots = new RedisSlots({ connection, prefix, clock, ...(leaseMs && { leaseMs }) })
  const journal = new RedisJournal({
    connection,
    prefix,
    size: journalSize,
    secrets: options.secrets ?? (() => []),
    ...(journalBounds && { bounds: journalBounds }),
  })
  const cursors = new RedisCursors({
    connection,
    prefix,
    local: new LocalCursors(),
    ...(maxCounts && { maxCounts }),
  })
  const patches = createRedisPatches({ connection, prefix, live, clock, logger })
  await patches.start()
  return {
    live,
    connection,
    limits,
    slots,
    journal,
    cursors,
    patches,
    log,
    question(name, tokens) {
      const deployment = live.current.defaultResource.deployments.get(name)
      const asked = deployment && limitsOf(deployment, '2026-09', 1)
      if (!asked) throw new Error(`no limits of ${name}`)
      return {
        resource: 'default',
        deployment: name,
        limits: asked,
        cost: { promptTokens: tokens, completionTokens: 0 },
      }
    },
    close() {
      patches.close()
      slots.close()
      journal.close()
      connection.close()
    },
  }
}

/** What tests of replicas share. */
export interface ReplicaGroup {
  /** Of this file of tests. */
  readonly server: RedisServer
  /** That of the group which was started last. */
  readonly prefix: string
  /** Starts a group with a separate prefix. */
  readonly start: (count: number, options?: Partial<ReplicaOptions>) => Promise<RedisReplica[]>
  readonly startTwo: (options?: Partial<ReplicaOptions>) => Promise<[RedisReplica, RedisReplica]>
  /** Starts another one of the last group. */
  readonly join: (options?: Partial<ReplicaOptions>) => Promise<RedisReplica>
}

/** Provides tests with replicas on a separate server, and closes them after each test. Call it at the top of a `describe`. */
export function replicaGroup(): ReplicaGroup {
  let server: RedisServer
  let groups = 0
  let replicas: RedisReplica[] = []
  beforeAll(async () => {
    server = await startRedisServer()
  })
  afterEach(() => {
    for (const replica of replicas) replica.close()
    replicas = []
  })
  afterAll(() => server.remove())

  const group: ReplicaGroup = {
    get server() {
      return server
    },
    get prefix() {
      return `test-${groups}:`
    },
    async start(count, options) {
      groups++
      return Promise.all(Array.from({ length: count }, () => group.join(options)))
    },
    async startTwo(options) {
      return (await group.start(2, options)) as [RedisReplica, RedisReplica]
    },
    async join(options = {}) {
      const redis = { prefix: group.prefix, timeoutMs: 30_000, ...options.redis }
      const replica = await startReplica({ url: server.url, ...options, redis })
      replicas.push(replica)
      return replica
    },
  }
  return group
}
