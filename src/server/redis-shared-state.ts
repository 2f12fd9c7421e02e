import type { LiveConfig } from '../config/live-config.ts'
import { ResponseStore, defaultStoreLimits } from '../generate/responses/response-store.ts'
import type { JournalReader } from '../journal/journal-sink.ts'
import { LimiterTable } from '../limits/limiter-table.ts'
import type { SharedState } from '../metrics/metrics.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { createSystemClock } from '../lib/system-clock.ts'
import { LocalCursors } from '../recordings/replay-cursors.ts'
import { connectRedis } from '../shared/redis/connect-redis.ts'
import { RedisCursors } from '../shared/redis/redis-cursors.ts'
import { RedisDocuments } from '../shared/redis/redis-documents.ts'
import { RedisJournal } from '../shared/redis/redis-journal.ts'
import { createRedisLimits } from '../shared/redis/redis-limits.ts'
import { createRedisPatches } from '../shared/redis/redis-patches.ts'
import { RedisResponses } from '../shared/redis/redis-responses.ts'
import { RedisSlots } from '../shared/redis/redis-slots.ts'
import type { PoolState, SharedDeps } from './pool-state.ts'

/** State that a simulator shares with all others that use the same Redis and prefix. */
export interface RedisSharedState {
  readonly deps: Omit<PoolState, 'journal' | 'audit' | 'logs' | 'traces' | 'recordingUse'> &
    Pick<SharedDeps, 'journal'>
  /** The journal of all simulators; undefined if it is not shared. */
  readonly journal: JournalReader | undefined
  /** The state of the connection, for metrics. */
  readonly connectionState: SharedState
  /** Clears the shared responses and journal, and notifies the other simulators, which clear their local state. */
  notifyReset(): Promise<void>
  /** Calls `listener` when another simulator was reset. */
  onReset(listener: () => void): void
  close(): void
}

/**
 * Connects a simulator to its Redis and applies the shared changes of the configuration. Returns undefined without REDIS_URL.
 *
 * @param deps.clock the clock of the exchanges
 * @param deps.hasOwnJournal whether the journal is local, even with Redis
 * @throws {OperatorError} REDIS_UNAVAILABLE if Redis is required and does not answer
 */
export async function connectSharedState(
  live: LiveConfig,
  deps: { readonly clock: Clock; readonly logger: Logger; readonly hasOwnJournal?: boolean },
): Promise<RedisSharedState | undefined> {
  const { clock, logger, hasOwnJournal = false } = deps
  const { redis, journalSize: size } = live.current
  const { url, ...rest } = redis
  if (url === undefined) return undefined
  const { prefix } = rest
  // Network timeouts use the system clock, even with a virtual clock for exchanges.
  const machine = createSystemClock()
  const connection = await connectRedis({ ...rest, url }, { clock: machine, logger })
  const local = new LimiterTable(clock)
  const limits = createRedisLimits({ connection, prefix, local })
  const slots = new RedisSlots({ connection, prefix, clock })
  const documents = new RedisDocuments(connection, prefix, 'responses', {
    documents: defaultStoreLimits.responses,
    bytes: defaultStoreLimits.bytes,
  })
  const responses = new RedisResponses({ documents, local: new ResponseStore(), clock: machine })
  const cursors = new RedisCursors({ connection, prefix, local: new LocalCursors() })
  const { list: secrets } = live.secrets
  const journal =
    size === 0 || hasOwnJournal ? undefined : new RedisJournal({ connection, prefix, size, secrets })
  const patches = createRedisPatches({ connection, prefix, live, clock: machine, logger })
  patches.onReset(() => {
    void limits.forget()
    void cursors.forget()
  })
  await patches.start()
  return {
    deps: { limits, responses, slots, cursors, ...(journal && { journal }) },
    journal,
    connectionState: connection.state,
    async notifyReset() {
      await responses.clearShared()
      await journal?.clear()
      await patches.publishReset()
    },
    onReset: (listener) => patches.onReset(listener),
    close() {
      patches.close()
      slots.close()
      journal?.close()
      connection.close()
    },
  }
}
