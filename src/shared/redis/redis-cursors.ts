import type { MaybePromise } from '../../lib/port.ts'
import { createHash } from 'node:crypto'
import type { ReplayCursors } from '../../recordings/replay-cursors.ts'
import type { RedisConnection } from './redis-connection.ts'
import { MAX_ITEMS_PER_CALL, TickBatcher } from './tick-batcher.ts'
import { RedisScript } from './redis-script.ts'

/**
 * Counts requests by name. KEYS: new counts, old counts. ARGV: maximum number of new counts, time to live in ms, names in order.
 * Returns the number of earlier requests for each name. When there are too many new counts, they replace the old counts, so a
 * count is kept for at least that many other names.
 */
const countScript = new RedisScript(`
local recent, old, reply = KEYS[1], KEYS[2], {}
for i = 3, #ARGV do
  local name = ARGV[i]
  local count = redis.call('HGET', recent, name) or redis.call('HGET', old, name) or 0
  redis.call('HSET', recent, name, count + 1)
  reply[#reply + 1] = tonumber(count)
  if redis.call('HLEN', recent) >= tonumber(ARGV[1]) then redis.call('RENAME', recent, old) end
end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[2]) end
return reply
`)

/** Removes the counts of a test. KEYS: new counts, old counts. ARGV: the start of their names. */
const forgetTestScript = new RedisScript(`
for _, key in ipairs(KEYS) do
  for _, name in ipairs(redis.call('HKEYS', key)) do
    if string.sub(name, 1, #ARGV[1]) == ARGV[1] then redis.call('HDEL', key, name) end
  end
end
`)

/** Counts expire this long after the last request. */
const RETENTION_MS = 86_400_000

/** Number of counts in each of two generations. They take 10 MB together. */
const MAX_COUNTS = 50_000

export interface RedisCursorsOptions {
  readonly connection: RedisConnection
  /** Prefix of keys. */
  readonly prefix: string
  /** Used while Redis is slow or not available. */
  readonly local: ReplayCursors
  /** Number of counts in each of two generations. Default: 50,000. */
  readonly maxCounts?: number
}

interface PendingCount {
  readonly name: string
  readonly resolve: (count: number) => void
  readonly reject: (error: unknown) => void
}

/** Replay cursors that all simulators with the same Redis and prefix share. */
export class RedisCursors implements ReplayCursors {
  readonly #connection: RedisConnection
  readonly #keys: readonly [recent: string, old: string]
  readonly #local: ReplayCursors
  readonly #maxCounts: string
  readonly #batches: TickBatcher<PendingCount>

  constructor({ connection, prefix, local, maxCounts = MAX_COUNTS }: RedisCursorsOptions) {
    this.#connection = connection
    this.#keys = [`${prefix}{cursors}:young`, `${prefix}{cursors}:old`]
    this.#local = local
    this.#maxCounts = String(maxCounts)
    this.#batches = new TickBatcher(connection.clock, (_key, requests) => this.#send(requests))
  }

  next(list: string, test: string | undefined): MaybePromise<number> {
    if (!this.#connection.state.up) return this.#countLocally(list, test)
    return new Promise<number>((resolve, reject) => {
      const name = `${hashedTest(test)}${shortHash(list)}`
      this.#batches.add(this.#keys[0], { name, resolve, reject }, true)
    }).catch(() => this.#countLocally(list, test))
  }

  /** Resets the cursors of all simulators, or those of one test. */
  async clear(test?: string): Promise<void> {
    await this.forget(test)
    if (!this.#connection.state.up) return
    const cleared =
      test === undefined
        ? this.#connection.send(['UNLINK', ...this.#keys])
        : forgetTestScript.run(this.#connection, this.#keys, [hashedTest(test)])
    await cleared.catch(() => {})
  }

  /** Resets the local cursors of this simulator, or those of one test. */
  forget(test?: string): MaybePromise<void> {
    return this.#local.clear?.(test)
  }

  removeResources(ids: readonly string[]): void {
    this.#local.removeResources?.(ids)
  }

  #countLocally(list: string, test: string | undefined): MaybePromise<number> {
    return this.#local.next(list, test)
  }

  #send(requests: readonly PendingCount[]): void {
    for (let from = 0; from < requests.length; from += MAX_ITEMS_PER_CALL) {
      void this.#count(requests.slice(from, from + MAX_ITEMS_PER_CALL))
    }
  }

  async #count(requests: readonly PendingCount[]): Promise<void> {
    try {
      const args = [this.#maxCounts, String(RETENTION_MS)]
      for (const { name } of requests) args.push(name)
      const counts = (await countScript.run(this.#connection, this.#keys, args)) as number[]
      for (const [index, { resolve }] of requests.entries()) resolve(counts[index] ?? 0)
    } catch (error) {
      for (const { reject } of requests) reject(error)
    }
  }
}

/** The start of the names of the counts of a test. */
function hashedTest(test: string | undefined): string {
  return shortHash(test === undefined ? '' : `=${test}`)
}

/** Names come from clients and may be long. 72 bits avoid collisions. */
function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 12)
}
