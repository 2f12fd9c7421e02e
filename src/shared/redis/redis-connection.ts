import type { createClient } from '@redis/client'
import type { Clock, StopTimer } from '../../lib/clock.ts'
import { backoffMs } from '../../lib/waiting.ts'
import type { Logger } from '../../lib/logger.ts'
import { CallTimes } from './call-times.ts'
import { type Client, openClient } from './open-client.ts'
import { isUnknownScript, type Sender } from './redis-script.ts'

/** How long an attempt may take without a sign of life, while it is not known how long Redis takes to connect. */
const FIRST_ATTEMPT_MS = 3_000

/** The same when it is known: three times as long as the last time, within these bounds. */
const MIN_ATTEMPT_MS = 1_000
const MAX_ATTEMPT_MS = 10_000

/** After so many ATTEMPTS without a sign of life each one has twice as long: a network may have become slow. */
const ATTEMPTS_PER_TIMEOUT = 8

/** What a connection to Redis is made from. */
export interface RedisConnectionOptions {
  readonly url: string
  /** What keys begin with. */
  readonly prefix: string
  /** How long an answer may take before Redis counts as away. */
  readonly timeoutMs: number
  /** That of the machine: a network does not wait for a virtual one. */
  readonly clock: Clock
  readonly logger: Logger
  /** In the place of what is measured: how long there may be no sign of life before a connection is made anew. */
  readonly hungMs?: number
}

/** Says that Redis is known to be away, so that nobody has to wait to learn it. */
class RedisAway extends Error {
  override readonly name = 'RedisAway'
}

/** The parts of a message that is a list; none of any other. */
export function partsOfMessage(text: string): readonly unknown[] {
  try {
    const parts: unknown = JSON.parse(text)
    return Array.isArray(parts) ? parts : []
  } catch {
    return []
  }
}

/**
 * A connection that knows whether Redis answers in time. The first call that fails or is late marks it as down, and all that
 * wait are told at once; it comes back by itself, when Redis takes a write in time again.
 */
export class RedisConnection implements Sender {
  /** For gauges; `fallbacks` is counted by whoever falls back. */
  readonly state = { up: false, fallbacks: 0, roundTripMs: 0 }
  /** Why it is down, for people. */
  reason = 'it has not answered yet'
  /** The time of the network. */
  readonly clock: Clock
  readonly #parts: RedisConnectionOptions
  readonly #create: typeof createClient
  readonly #calls: CallTimes
  readonly #pauses: RetryPauses
  readonly #upListeners: (() => void)[] = []
  readonly #downListeners: (() => void)[] = []
  readonly #channels = new Map<string, (message: string) => void>()
  #client: Client
  #closed = false
  #toldDown = false
  #changedMs: number
  #fallbacksBefore = 0
  /** Whether the client is given up, and the next one not opened yet. */
  #isBetween = false
  #openedMs = 0
  #connectMs: number | undefined
  #hungAttempts = 0
  /** The next probe, or the next client. */
  #stopNext: StopTimer | undefined
  #stopWatchdog: StopTimer | undefined

  /** @param create of the package `redis`, which is loaded only where it is needed */
  constructor(parts: RedisConnectionOptions, create: typeof createClient) {
    const { clock, timeoutMs } = parts
    this.#parts = parts
    this.clock = clock
    this.#create = create
    this.#pauses = new RetryPauses(clock)
    this.#changedMs = clock.nowMs()
    this.#calls = new CallTimes(clock, timeoutMs, () => this.#callFailed(`no answer within ${timeoutMs} ms`))
    this.#client = this.#open()
  }

  /** Hears each time that Redis has come up, the first time included. */
  onUp(listener: () => void): void {
    this.#upListeners.push(listener)
  }

  /** Hears each time that Redis has gone down after it was up, before the calls that wait are rejected. */
  onDown(listener: () => void): void {
    this.#downListeners.push(listener)
  }

  /** Hears of what is published; resolves when it does, or when it will as soon as Redis answers. */
  async onMessage(channel: string, listener: (message: string) => void): Promise<void> {
    this.#channels.set(channel, listener)
    if (this.#client.isReady) await this.#subscribe(this.#client, channel, listener)
  }

  /** Sends a command; rejects at once while Redis is away, and after the timeout when it is slow. */
  send(command: readonly string[]): Promise<unknown> {
    if (!this.state.up) return Promise.reject(new RedisAway(this.reason))
    return new Promise((resolve, reject) => {
      const call = this.#calls.begin(reject)
      this.#client.sendCommand(command as string[]).then(
        (reply) => {
          const tookMs = this.#calls.end(call)
          if (tookMs === undefined) return
          const { roundTripMs } = this.state
          // The weight that TCP gives to the newest measurement.
          this.state.roundTripMs = roundTripMs === 0 ? tookMs : roundTripMs + (tookMs - roundTripMs) / 8
          resolve(reply)
        },
        (error: unknown) => {
          if (this.#calls.end(call) === undefined) return
          if (!isUnknownScript(error)) this.#callFailed(describeFailure(error))
          reject(error)
        },
      )
    })
  }

  /** Resolves when Redis has answered, or after `patienceMs`; tells whether it has. */
  ready(patienceMs: number): Promise<boolean> {
    const { clock } = this
    if (this.state.up) return Promise.resolve(true)
    return new Promise((resolve) => {
      const stop = clock.at(clock.nowMs() + patienceMs, () => {
        this.#tellDown()
        resolve(false)
      })
      this.onUp(() => {
        stop()
        resolve(true)
      })
    })
  }

  /** Ends the connection; what waits is rejected. */
  close(): void {
    this.#closed = true
    this.state.up = false
    this.reason = 'the connection was closed'
    this.#stopNext?.()
    this.#stopWatchdog?.()
    this.#client.destroy()
    this.#calls.close(new RedisAway(this.reason))
  }

  #open(): Client {
    const isPresent = (client: Client): boolean =>
      client === this.#client && !this.#isBetween && !this.#closed
    this.#isBetween = false
    this.#openedMs = this.clock.nowMs()
    this.#signOfLife()
    return openClient(this.#create, this.#parts.url, {
      onReady: (ready) => {
        if (isPresent(ready)) void this.#onReady(ready)
      },
      onError: (failed, error) => {
        if (!isPresent(failed)) return
        this.#goDown(describeFailure(error))
        this.#reopenIn(this.#pauses.next())
      },
    })
  }

  #reopenIn(delayMs: number): void {
    this.#isBetween = true
    this.#next(delayMs, () => (this.#client = this.#open()))
    this.#client.destroy()
  }

  async #onReady(client: Client): Promise<void> {
    this.#connectMs = this.clock.nowMs() - this.#openedMs
    this.#signOfLife()
    for (const [channel, listener] of this.#channels) await this.#subscribe(client, channel, listener)
    if (client === this.#client && client.isReady) this.#probeIn(0)
  }

  async #subscribe(client: Client, channel: string, listener: (message: string) => void): Promise<void> {
    try {
      await client.subscribe(channel, listener)
    } catch (error) {
      if (!client.isReady) return
      this.#parts.logger.warn(
        { channel, err: describeFailure(error) },
        'Redis refuses messages of other simulators: of changes, slots and the journal. Allow the user SUBSCRIBE, and all channels that begin with REDIS_PREFIX.',
      )
    }
  }

  #probeIn(delayMs: number): void {
    this.#next(delayMs, () => void this.#probe())
  }

  /** Waits before the next step. Nothing is expected of Redis meanwhile. */
  #next(delayMs: number, step: () => void): void {
    this.#stopNext?.()
    this.#stopWatchdog?.()
    this.#stopNext = this.clock.at(this.clock.nowMs() + delayMs, step)
  }

  async #probe(): Promise<void> {
    const client = this.#client
    const { clock, prefix, timeoutMs } = this.#parts
    if (this.#closed || this.state.up) return
    this.#signOfLife()
    if (!client.isReady) return
    const isPresent = (): boolean => client === this.#client && client.isReady && !this.#closed
    const sentMs = clock.nowMs()
    try {
      await probeRedis(client, prefix)
    } catch (error) {
      if (!isPresent()) return
      this.#goDown(describeFailure(error))
      this.#probeIn(this.#pauses.next())
      return
    }
    if (!isPresent()) return
    if (clock.nowMs() - sentMs > timeoutMs) this.#probeIn(this.#pauses.next())
    else this.#goUp()
  }

  #goUp(): void {
    const { clock, logger } = this.#parts
    if (this.state.up) return
    this.#stopWatchdog?.()
    this.#hungAttempts = 0
    this.#pauses.works()
    const awaySeconds = Math.round((clock.nowMs() - this.#changedMs) / 100) / 10
    const { fallbacks } = this.state
    if (this.#toldDown) {
      logger.info(
        { awaySeconds, answeredLocally: fallbacks - this.#fallbacksBefore },
        'Redis answers again: the limits are those of all simulators together.',
      )
    } else logger.info({}, 'Redis answers: the limits are those of all simulators together.')
    this.#toldDown = false
    this.#changedMs = clock.nowMs()
    this.state.up = true
    for (const listener of this.#upListeners) listener()
  }

  /** A call was refused or came too late, over a connection that may be as good as before. */
  #callFailed(reason: string): void {
    const wasUp = this.state.up
    this.#goDown(reason)
    if (!wasUp || this.#closed) return
    this.#signOfLife()
    if (this.#client.isReady) this.#probeIn(this.#pauses.next())
  }

  #goDown(reason: string): void {
    this.reason = reason
    if (this.#closed || !this.state.up) return
    this.state.up = false
    this.#changedMs = this.clock.nowMs()
    this.#tellDown()
    for (const listener of this.#downListeners) listener()
    this.#calls.failAll(new RedisAway(reason))
  }

  #tellDown(): void {
    if (this.#toldDown) return
    this.#toldDown = true
    this.#fallbacksBefore = this.state.fallbacks
    this.#parts.logger.warn(
      { reason: this.reason },
      'Redis does not answer: this simulator goes by limits of its own until it does.',
    )
  }

  /** While it is down, anything that happens puts the end of a hung connection off. */
  #signOfLife(): void {
    const { clock } = this
    this.#stopWatchdog?.()
    this.#stopWatchdog = clock.at(clock.nowMs() + this.#patienceMs(), () => {
      if (this.#closed || this.state.up || this.#isBetween) return
      this.#hungAttempts++
      this.#reopenIn(0)
    })
  }

  #patienceMs(): number {
    const { timeoutMs, hungMs } = this.#parts
    const connectMs = this.#connectMs === undefined ? FIRST_ATTEMPT_MS : 3 * this.#connectMs
    const patienceMs = hungMs ?? Math.max(MIN_ATTEMPT_MS, timeoutMs, Math.min(connectMs, MAX_ATTEMPT_MS))
    const longer = 2 ** Math.floor(this.#hungAttempts / ATTEMPTS_PER_TIMEOUT)
    return Math.max(patienceMs, Math.min(patienceMs * longer, MAX_ATTEMPT_MS))
  }
}

/** So many names that even a cluster of two servers has some of them elsewhere: all at one have a chance of 1 in 65,536. */
const PLACES = 16

/**
 * Finds out whether Redis is of use. It has to take a write: one that is out of memory, still loading, or a replica only reads.
 * And it has to have all keys: a server of a cluster sends clients on to others (MOVED), which this client does not follow.
 */
async function probeRedis(client: Client, prefix: string): Promise<void> {
  const reads = Array.from({ length: PLACES }, (_, place) =>
    client.sendCommand(['GET', `${prefix}{place ${place}}`]),
  )
  await Promise.all([client.sendCommand(['SET', `${prefix}alive`, '1', 'PX', '60000']), ...reads])
}

/** A connection that worked for so long was a good one: the next attempt is made at once. */
const PROVEN_MS = 1_000

/** Delays between ATTEMPTS to connect. */
const BACKOFF = { firstMs: 100, maxMs: 1_000 }

/** When to try again: at once after a connection that has worked for a while, then after pauses that grow to a second. */
export class RetryPauses {
  readonly #clock: Pick<Clock, 'nowMs'>
  readonly #random: () => number
  #attempts = 0
  #worksSinceMs: number | undefined

  constructor(clock: Pick<Clock, 'nowMs'>, random: () => number = Math.random) {
    this.#clock = clock
    this.#random = random
  }

  /** Notes that the connection works from now on. */
  works(): void {
    this.#worksSinceMs = this.#clock.nowMs()
  }

  /** How long to wait before the next attempt, in milliseconds. Spread, so that many simulators do not come at once. */
  next(): number {
    if (this.#worksSinceMs !== undefined && this.#clock.nowMs() - this.#worksSinceMs >= PROVEN_MS) {
      this.#attempts = 0
    }
    this.#worksSinceMs = undefined
    const attempt = this.#attempts++
    if (attempt === 0) return 0
    return backoffMs(attempt - 1, BACKOFF) * (0.75 + this.#random() / 2)
  }
}

/** Tells what went wrong with Redis, in its own words; never its address, which may hold a password. */
export function describeFailure(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return describeFailure(error.errors[0])
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? String(error.code) : ''
  return error.message || code || error.name
}

/** Whether a reason is that the server belongs to a cluster and has only some of the keys. */
export function isRedirection(reason: string): boolean {
  return /^(MOVED|ASK) /.test(reason)
}

/** Tells what to do about a reason. */
export function adviceFor(reason: string): string {
  if (isRedirection(reason)) {
    return 'It is one server of a cluster, and the simulator needs an endpoint that has all keys: a Redis without clustering, or a cluster behind a proxy (on Azure Managed Redis the cluster policy Enterprise)'
  }
  if (/certificate|altnames/i.test(reason)) {
    return 'Put the file of the authority that has signed its certificate into NODE_EXTRA_CA_CERTS, and call it in REDIS_URL by a name of the certificate'
  }
  if (/^(WRONGPASS|NOAUTH|NOPERM|ERR AUTH)/.test(reason)) {
    return 'Correct user and password in REDIS_URL, percent-encoded, and what the user may do (docs/many-machines.md)'
  }
  return 'Start it, or correct REDIS_URL'
}
