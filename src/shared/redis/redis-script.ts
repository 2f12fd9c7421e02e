import { createHash } from 'node:crypto'
import type { Clock } from '../../lib/clock.ts'

/** What a script is run by. */
export interface Sender {
  send(command: readonly string[]): Promise<unknown>
}

/**
 * A script. Redis keeps it by its digest, so that only the first call after a start of Redis carries it. Every key that it
 * touches is declared, and those of one call share a hash tag, so that a cluster can run it.
 */
export class RedisScript {
  readonly #source: string
  readonly #digest: string

  /** @param source in Lua 5.1 */
  constructor(source: string) {
    this.#source = source
    this.#digest = createHash('sha1').update(source).digest('hex')
  }

  /** Runs it; rejects when Redis is slow or away, or as Redis refuses. */
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

/** Whether Redis has not seen a script yet, or has forgotten it. */
export function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT')
}

/** A measurement that is older counts no longer: clocks of machines drift by some microseconds in a second. */
const FRESH_MS = 10_000

/**
 * The time of Redis, which all machines have in common, measured whenever it tells its time with an answer. The best of the
 * last seconds counts: it was sent, at most, half of its round trip before or after the middle of that.
 */
export class RedisTime {
  readonly #clock: Clock
  #offsetMs: number
  #roundTripMs = Infinity
  #atMs = -Infinity

  /** @param clock until Redis has told its time, that of this machine counts */
  constructor(clock: Clock) {
    this.#clock = clock
    this.#offsetMs = clock.epochMs() - clock.nowMs()
  }

  /** How far two machines may be apart that both measure as well as this one. */
  get errorMs(): number {
    return this.#roundTripMs === Infinity ? 0 : this.#roundTripMs
  }

  /** Redis has told its time, in milliseconds since 1970. @param sentMs when it was asked, by the clock */
  measured(sentMs: number, toldMs: number): void {
    const nowMs = this.#clock.nowMs()
    const roundTripMs = nowMs - sentMs
    if (roundTripMs > this.#roundTripMs && nowMs - this.#atMs < FRESH_MS) return
    this.#roundTripMs = roundTripMs
    this.#atMs = nowMs
    this.#offsetMs = toldMs - (sentMs + nowMs) / 2
  }

  /** What time it was there, in milliseconds since 1970, at a time of the clock. */
  at(ms: number): number {
    return ms + this.#offsetMs
  }
}
