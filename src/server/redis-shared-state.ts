import type { LiveConfig } from '../config/live-config.ts'
import { configSecrets } from '../config/redact-config.ts'
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
import type { PoolState, SharedDeps } from './shared-parts.ts'

/** What a simulator has together with all others that have its Redis and prefix. */
export interface RedisSharedState {
  readonly parts: Omit<PoolState, 'journal'> & Pick<SharedDeps, 'journal'>
  /** What all have noted; absent where no journal is shared. */
  readonly journal: JournalReader | undefined
  /** For gauges. */
  readonly state: SharedState
  /** Removes what all have together, and tells the others to forget what they have noted; limits and changes are shared without it. */
  tellReset(): Promise<void>
  /** Hears that another simulator was told to begin anew. */
  onReset(listener: () => void): void
  close(): void
}

/**
 * Makes a simulator part of the service that its configuration names, with the changes that were made there; undefined where
 * it is a service by itself.
 *
 * @param parts.clock that of the simulator's exchanges
 * @param parts.keepsJournal whether its journal is its own
 * @throws {OperatorError} REDIS_UNAVAILABLE where Redis is required and does not answer
 */
export async function joinService(
  live: LiveConfig,
  parts: { readonly clock: Clock; readonly logger: Logger; readonly keepsJournal?: boolean },
): Promise<RedisSharedState | undefined> {
  const { clock, logger, keepsJournal = false } = parts
  const { redis, journalSize: size } = live.current
  const { url, ...rest } = redis
  if (url === undefined) return undefined
  const { prefix } = rest
  // A network takes the time of the machine, whatever the clock of the exchanges is.
  const machine = createSystemClock()
  const connection = await connectRedis({ ...rest, url }, { clock: machine, logger })
  const local = new LimiterTable(clock)
  const limits = createRedisLimits({ connection, prefix, clock, local })
  const slots = new RedisSlots({ connection, prefix, clock })
  const documents = new RedisDocuments(connection, prefix, 'responses', {
    documents: defaultStoreLimits.responses,
    bytes: defaultStoreLimits.bytes,
  })
  const responses = new RedisResponses({ documents, local: new ResponseStore(), clock: machine })
  const cursors = new RedisCursors({ connection, prefix, local: new LocalCursors() })
  const secrets = (): readonly string[] => configSecrets(live.current)
  const journal =
    size === 0 || keepsJournal ? undefined : new RedisJournal({ connection, prefix, size, secrets })
  const patches = createRedisPatches({ connection, prefix, live, clock: machine, logger })
  patches.onReset(() => {
    void limits.forget()
    void cursors.forget()
  })
  await patches.start()
  return {
    parts: { limits, responses, slots, cursors, ...(journal && { journal }) },
    journal,
    state: connection.state,
    async tellReset() {
      await responses.clearShared()
      await journal?.clear()
      await patches.tellReset()
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
