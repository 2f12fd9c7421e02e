import { createHash } from 'node:crypto'
import type { Clock } from '../../lib/clock.ts'

/** Sends commands to Redis. */
export interface Sender {
  send(command: readonly string[]): Promise<unknown>
}

/**
 * A Lua script. Redis caches it by digest, so only the first call after a restart of Redis sends the source. All keys are declared,
 * and the keys of one call share a hash tag, so that a cluster can run it.
 */
export class RedisScript {
  readonly #source: string
  readonly #digest: string

  /** @param source in Lua 5.1 */
  constructor(source: string) {
    this.#source = source
    this.#digest = createHash('sha1').update(source).digest('hex')
  }

  /** Runs the script. Rejects if Redis is slow, not available, or returns an error. */
  async run(sender: Sender, keys: string | readonly string[], args: readonly string[]): Promise<unknown> {
    const declared = typeof keys === 'string' ? ['1', keys] : [String(keys.length), ...keys]
    try {
      return await sender.send(['EVALSHA', this.#digest, ...declared, ...args])
    } catch (error) {
      if (!isUnknownScript(error)) throw error
      return sender.send(['EVAL', this.#source, ...declared, ...args])
    }
  }
}

/** Whether Redis does not have the script in its cache. */
export function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT')
}

/** Maximum age of a measurement. Clocks of machines drift by some microseconds per second. */
const FRESH_MS = 10_000

/**
 * The clock of Redis, which all machines share. It is measured with each answer that includes the time of Redis. The measurement
 * with the shortest round trip of the last ten seconds counts. Its error is at most half of the round trip.
 */
export class RedisTime {
  readonly #clock: Clock
  #offsetMs: number
  #roundTripMs = Infinity
  #atMs = -Infinity

  /** @param clock the clock of this machine, used until the first measurement */
  constructor(clock: Clock) {
    this.#clock = clock
    this.#offsetMs = clock.epochMs() - clock.nowMs()
  }

  /** Maximum difference in ms between two machines that both measure with this accuracy. */
  get errorMs(): number {
    return this.#roundTripMs === Infinity ? 0 : this.#roundTripMs
  }

  /** Adds a measurement: the time of Redis in milliseconds since 1970, and when the call was sent, on the clock. */
  measured(sentMs: number, toldMs: number): void {
    const nowMs = this.#clock.nowMs()
    const roundTripMs = nowMs - sentMs
    if (roundTripMs > this.#roundTripMs && nowMs - this.#atMs < FRESH_MS) return
    this.#roundTripMs = roundTripMs
    this.#atMs = nowMs
    this.#offsetMs = toldMs - (sentMs + nowMs) / 2
  }

  /** Converts a time of the clock to the time of Redis, in milliseconds since 1970. */
  at(ms: number): number {
    return ms + this.#offsetMs
  }
}
