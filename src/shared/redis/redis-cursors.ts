import type { MaybePromise } from '../../lib/port.ts'
import { createHash } from 'node:crypto'
import type { ReplayCursors } from '../../recordings/replay-cursors.ts'
import type { RedisConnection } from './redis-connection.ts'
import { TickBatcher } from './tick-batcher.ts'
import { RedisScript } from './redis-script.ts'

/**
 * Counts requests: KEYS the young counts, the old ones; ARGV how many the young ones may be, how many milliseconds all are kept
 * from now, and the names of what is counted, in order. Gives for each how many came before it. Where the young counts are too
 * many, they take the place of the old ones, which are forgotten: what is counted stays for at least as many others.
 */
const countScript = new RedisScript(`
local young, old, reply = KEYS[1], KEYS[2], {}
for i = 3, #ARGV do
  local name = ARGV[i]
  local count = redis.call('HGET', young, name) or redis.call('HGET', old, name) or 0
  redis.call('HSET', young, name, count + 1)
  reply[#reply + 1] = tonumber(count)
  if redis.call('HLEN', young) >= tonumber(ARGV[1]) then redis.call('RENAME', young, old) end
end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[2]) end
return reply
`)

/** How long they are kept after the last request that was counted. */
const RETENTION_MS = 86_400_000

/** So many requests of so many tests are remembered in each of two generations: 10 MB together. */
const MAX_CACHED = 50_000

/** More would hold up Redis, and with it everybody else, for more than a millisecond. */
const MAX_ITEMS_PER_CALL = 500

/** What cursors in Redis are made from. */
export interface RedisCursorsOptions {
  readonly connection: RedisConnection
  /** What keys begin with. */
  readonly prefix: string
  /** Counts while Redis is slow or away. */
  readonly local: ReplayCursors
  /** In the place of 50,000. */
  readonly remembered?: number
}

interface PendingCount {
  readonly name: string
  readonly resolve: (count: number) => void
  readonly reject: (error: unknown) => void
}

/** Cursors of recordings that all simulators with the same Redis and prefix have together. */
export class RedisCursors implements ReplayCursors {
  readonly #connection: RedisConnection
  readonly #keys: readonly [young: string, old: string]
  readonly #local: ReplayCursors
  readonly #remembered: string
  readonly #batches: TickBatcher<PendingCount>

  constructor({ connection, prefix, local, remembered: most = MAX_CACHED }: RedisCursorsOptions) {
    this.#connection = connection
    this.#keys = [`${prefix}{cursors}:young`, `${prefix}{cursors}:old`]
    this.#local = local
    this.#remembered = String(most)
    this.#batches = new TickBatcher(connection.clock, (_key, questions) => this.#send(questions))
  }

  next(list: string, test: string | undefined): MaybePromise<number> {
    if (!this.#connection.state.up) return this.#countLocally(list, test)
    return new Promise<number>((resolve, reject) => {
      // Requests and tests have names of any length, and from clients.
      const name = createHash('sha256')
        .update(`${test === undefined ? '' : `=${test}`}\n${list}`)
        .digest('base64url')
      this.#batches.add(this.#keys[0], { name: name.slice(0, 24), resolve, reject }, true)
    }).catch(() => this.#countLocally(list, test))
  }

  /** Starts those of all simulators anew. */
  async clear(): Promise<void> {
    await this.forget()
    if (this.#connection.state.up) await this.#connection.send(['UNLINK', ...this.#keys]).catch(() => {})
  }

  /** Starts what this simulator has counted alone anew. */
  forget(): MaybePromise<void> {
    return this.#local.clear?.()
  }

  #countLocally(list: string, test: string | undefined): MaybePromise<number> {
    return this.#local.next(list, test)
  }

  #send(questions: readonly PendingCount[]): void {
    for (let from = 0; from < questions.length; from += MAX_ITEMS_PER_CALL) {
      void this.#ask(questions.slice(from, from + MAX_ITEMS_PER_CALL))
    }
  }

  async #ask(questions: readonly PendingCount[]): Promise<void> {
    try {
      const args = [this.#remembered, String(RETENTION_MS)]
      for (const { name } of questions) args.push(name)
      const counts = (await countScript.run(this.#connection, this.#keys, args)) as number[]
      for (const [index, { resolve }] of questions.entries()) resolve(counts[index] ?? 0)
    } catch (error) {
      for (const { reject } of questions) reject(error)
    }
  }
}
