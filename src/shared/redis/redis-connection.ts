import type { createClient } from '@redis/client'
import type { Clock, StopTimer } from '../../lib/clock.ts'
import { backoffMs } from '../../lib/waiting.ts'
import type { Logger } from '../../lib/logger.ts'
import { CallTimeouts } from './call-times.ts'
import { type Client, openClient } from './open-client.ts'
import { isUnknownScript, type Sender } from './redis-script.ts'

/** Time without progress after which an attempt to connect is given up, while the connection time of Redis is unknown. */
const FIRST_ATTEMPT_TIMEOUT_MS = 3_000

/** Bounds of that time when the connection time is known. It is three times the last connection time. */
const MIN_ATTEMPT_TIMEOUT_MS = 1_000
const MAX_ATTEMPT_TIMEOUT_MS = 10_000

/** After this number of attempts without progress the timeout doubles, because the network may have become slow. */
const ATTEMPTS_PER_DOUBLING = 8

export interface RedisConnectionOptions {
  readonly url: string
  /** Prefix of keys. */
  readonly prefix: string
  /** Redis counts as not available if an answer takes longer. */
  readonly timeoutMs: number
  /** The system clock. A virtual clock does not apply to the network. */
  readonly clock: Clock
  readonly logger: Logger
  /** Time without progress after which an attempt to connect is given up. Default: computed from measured times. */
  readonly attemptTimeoutMs?: number
}

/** Thrown without a call to Redis, because it is known not to be available. */
class RedisUnavailable extends Error {
  override readonly name = 'RedisUnavailable'
}

/** Parses a message that is a JSON array. Returns an empty array for any other message. */
export function parseListMessage(text: string): readonly unknown[] {
  try {
    const parts: unknown = JSON.parse(text)
    return Array.isArray(parts) ? parts : []
  } catch {
    return []
  }
}

/**
 * A connection that tracks whether Redis answers in time. The first call that fails or times out marks Redis as down and rejects
 * all pending calls. The connection recovers by itself when Redis accepts a write in time.
 */
export class RedisConnection implements Sender {
  /** For metrics. The users of the connection count `fallbacks`. */
  readonly state = { up: false, fallbacks: 0, roundTripMs: 0 }
  /** Why Redis is down, for messages. */
  reason = 'no answer yet'
  /** The system clock. */
  readonly clock: Clock
  readonly #options: RedisConnectionOptions
  readonly #create: typeof createClient
  readonly #calls: CallTimeouts
  readonly #pauses: RetryPauses
  readonly #upListeners: (() => void)[] = []
  readonly #downListeners: (() => void)[] = []
  readonly #channels = new Map<string, (message: string) => void>()
  #client: Client
  #closed = false
  #isDownReported = false
  #stateChangedMs: number
  #fallbacksBefore = 0
  /** Whether the client was closed and the next one is not open yet. */
  #isReopening = false
  #openedMs = 0
  #connectMs: number | undefined
  #failedAttempts = 0
  /** Cancels the next probe or the next client. */
  #stopTimer: StopTimer | undefined
  #stopWatchdog: StopTimer | undefined

  /** @param create of the package `redis`, which is loaded only where it is needed */
  constructor(options: RedisConnectionOptions, create: typeof createClient) {
    const { clock, timeoutMs } = options
    this.#options = options
    this.clock = clock
    this.#create = create
    this.#pauses = new RetryPauses(clock)
    this.#stateChangedMs = clock.nowMs()
    this.#calls = new CallTimeouts(clock, timeoutMs, () =>
      this.#callFailed(`no answer within ${timeoutMs} ms`),
    )
    this.#client = this.#open()
  }

  /** Adds a listener for each time that Redis becomes available, including the first time. */
  onUp(listener: () => void): void {
    this.#upListeners.push(listener)
  }

  /** Adds a listener for each time that Redis becomes unavailable. It is called before pending calls are rejected. */
  onDown(listener: () => void): void {
    this.#downListeners.push(listener)
  }

  /** Subscribes to a channel. Resolves when subscribed, or immediately if that has to wait for a connection. */
  async onMessage(channel: string, listener: (message: string) => void): Promise<void> {
    this.#channels.set(channel, listener)
    if (this.#client.isReady) await this.#subscribe(this.#client, channel, listener)
  }

  /** Sends a command. Rejects immediately while Redis is down, and after the timeout if it is slow. */
  send(command: readonly string[]): Promise<unknown> {
    if (!this.state.up) return Promise.reject(new RedisUnavailable(this.reason))
    return new Promise((resolve, reject) => {
      const call = this.#calls.begin(reject)
      this.#client.sendCommand(command as string[]).then(
        (reply) => {
          const tookMs = this.#calls.end(call)
          if (tookMs === undefined) return
          const { roundTripMs } = this.state
          // TCP uses the same weight for its newest measurement.
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

  /** Resolves to true when Redis is up, or to false after the timeout. */
  ready(timeoutMs: number): Promise<boolean> {
    const { clock } = this
    if (this.state.up) return Promise.resolve(true)
    return new Promise((resolve) => {
      const stop = clock.at(clock.nowMs() + timeoutMs, () => {
        this.#reportDown()
        resolve(false)
      })
      this.onUp(() => {
        stop()
        resolve(true)
      })
    })
  }

  /** Closes the connection and rejects pending calls. */
  close(): void {
    this.#closed = true
    this.state.up = false
    this.reason = 'the connection was closed'
    this.#stopTimer?.()
    this.#stopWatchdog?.()
    this.#client.destroy()
    this.#calls.close(new RedisUnavailable(this.reason))
  }

  #open(): Client {
    const isCurrent = (client: Client): boolean =>
      client === this.#client && !this.#isReopening && !this.#closed
    this.#isReopening = false
    this.#openedMs = this.clock.nowMs()
    this.#restartWatchdog()
    return openClient(this.#create, this.#options.url, {
      onReady: (ready) => {
        if (isCurrent(ready)) void this.#onReady(ready)
      },
      onError: (failed, error) => {
        if (!isCurrent(failed)) return
        this.#markDown(describeFailure(error))
        this.#reopenIn(this.#pauses.next())
      },
    })
  }

  #reopenIn(delayMs: number): void {
    this.#isReopening = true
    this.#schedule(delayMs, () => (this.#client = this.#open()))
    this.#client.destroy()
  }

  async #onReady(client: Client): Promise<void> {
    this.#connectMs = this.clock.nowMs() - this.#openedMs
    this.#restartWatchdog()
    for (const [channel, listener] of this.#channels) await this.#subscribe(client, channel, listener)
    if (client === this.#client && client.isReady) this.#probeIn(0)
  }

  async #subscribe(client: Client, channel: string, listener: (message: string) => void): Promise<void> {
    try {
      await client.subscribe(channel, listener)
    } catch (error) {
      if (!client.isReady) return
      this.#options.logger.warn(
        { channel, err: describeFailure(error) },
        'Could not subscribe to messages of other simulators in Redis. Allow the user SUBSCRIBE and all channels that begin with REDIS_PREFIX.',
      )
    }
  }

  #probeIn(delayMs: number): void {
    this.#schedule(delayMs, () => void this.#probe())
  }

  /** Schedules the next step. Until then no progress is expected. */
  #schedule(delayMs: number, step: () => void): void {
    this.#stopTimer?.()
    this.#stopWatchdog?.()
    this.#stopTimer = this.clock.at(this.clock.nowMs() + delayMs, step)
  }

  async #probe(): Promise<void> {
    const client = this.#client
    const { clock, prefix, timeoutMs } = this.#options
    if (this.#closed || this.state.up) return
    this.#restartWatchdog()
    if (!client.isReady) return
    const isCurrent = (): boolean => client === this.#client && client.isReady && !this.#closed
    const sentMs = clock.nowMs()
    try {
      await probeRedis(client, prefix)
    } catch (error) {
      if (!isCurrent()) return
      this.#markDown(describeFailure(error))
      this.#probeIn(this.#pauses.next())
      return
    }
    if (!isCurrent()) return
    if (clock.nowMs() - sentMs > timeoutMs) this.#probeIn(this.#pauses.next())
    else this.#markUp()
  }

  #markUp(): void {
    const { clock, logger } = this.#options
    if (this.state.up) return
    this.#stopWatchdog?.()
    this.#failedAttempts = 0
    this.#pauses.connected()
    const downSeconds = Math.round((clock.nowMs() - this.#stateChangedMs) / 100) / 10
    const { fallbacks } = this.state
    if (this.#isDownReported) {
      logger.info(
        { awaySeconds: downSeconds, answeredLocally: fallbacks - this.#fallbacksBefore },
        'Redis is back. Limits are shared again.',
      )
    } else logger.info({}, 'Redis is connected. Limits are shared.')
    this.#isDownReported = false
    this.#stateChangedMs = clock.nowMs()
    this.state.up = true
    for (const listener of this.#upListeners) listener()
  }

  /** A call failed or timed out. The connection itself may be intact. */
  #callFailed(reason: string): void {
    const wasUp = this.state.up
    this.#markDown(reason)
    if (!wasUp || this.#closed) return
    this.#restartWatchdog()
    if (this.#client.isReady) this.#probeIn(this.#pauses.next())
  }

  #markDown(reason: string): void {
    this.reason = reason
    if (this.#closed || !this.state.up) return
    this.state.up = false
    this.#stateChangedMs = this.clock.nowMs()
    this.#reportDown()
    for (const listener of this.#downListeners) listener()
    this.#calls.failAll(new RedisUnavailable(reason))
  }

  #reportDown(): void {
    if (this.#isDownReported) return
    this.#isDownReported = true
    this.#fallbacksBefore = this.state.fallbacks
    this.#options.logger.warn(
      { reason: this.reason },
      'Redis does not answer. This simulator uses its own limits until Redis is back.',
    )
  }

  /** Restarts the timeout for progress. While Redis is down, a connection without progress is replaced. */
  #restartWatchdog(): void {
    const { clock } = this
    this.#stopWatchdog?.()
    this.#stopWatchdog = clock.at(clock.nowMs() + this.#attemptTimeoutMs(), () => {
      if (this.#closed || this.state.up || this.#isReopening) return
      this.#failedAttempts++
      this.#reopenIn(0)
    })
  }

  #attemptTimeoutMs(): number {
    const { timeoutMs, attemptTimeoutMs: fixedMs } = this.#options
    const connectMs = this.#connectMs === undefined ? FIRST_ATTEMPT_TIMEOUT_MS : 3 * this.#connectMs
    const baseMs =
      fixedMs ?? Math.max(MIN_ATTEMPT_TIMEOUT_MS, timeoutMs, Math.min(connectMs, MAX_ATTEMPT_TIMEOUT_MS))
    const factor = 2 ** Math.floor(this.#failedAttempts / ATTEMPTS_PER_DOUBLING)
    return Math.max(baseMs, Math.min(baseMs * factor, MAX_ATTEMPT_TIMEOUT_MS))
  }
}

/** Enough keys to detect a cluster: with two servers, all keys are on one of them with a probability of about 1 in 65,536. */
const PROBED_KEYS = 16

/**
 * Checks whether Redis can be used. It must accept a write, so it is not out of memory, loading, or a read-only replica. And it must
 * have all keys: a server of a cluster redirects clients to others (MOVED), which this client does not follow.
 */
async function probeRedis(client: Client, prefix: string): Promise<void> {
  const reads = Array.from({ length: PROBED_KEYS }, (_, index) =>
    client.sendCommand(['GET', `${prefix}{place ${index}}`]),
  )
  await Promise.all([client.sendCommand(['SET', `${prefix}alive`, '1', 'PX', '60000']), ...reads])
}

/** After a connection that worked for this long, the next attempt is made without delay. */
const STABLE_CONNECTION_MS = 1_000

/** Delays between attempts to connect. */
const BACKOFF = { firstMs: 100, maxMs: 1_000 }

/** Delays between attempts: none after a connection that worked for a second, then growing to one second. */
export class RetryPauses {
  readonly #clock: Pick<Clock, 'nowMs'>
  readonly #random: () => number
  #attempts = 0
  #connectedMs: number | undefined

  constructor(clock: Pick<Clock, 'nowMs'>, random: () => number = Math.random) {
    this.#clock = clock
    this.#random = random
  }

  /** Call this when the connection starts to work. */
  connected(): void {
    this.#connectedMs = this.#clock.nowMs()
  }

  /** The delay before the next attempt, in milliseconds. It has jitter, so that many simulators do not reconnect together. */
  next(): number {
    if (this.#connectedMs !== undefined && this.#clock.nowMs() - this.#connectedMs >= STABLE_CONNECTION_MS) {
      this.#attempts = 0
    }
    this.#connectedMs = undefined
    const attempt = this.#attempts++
    if (attempt === 0) return 0
    return backoffMs(attempt - 1, BACKOFF) * (0.75 + this.#random() / 2)
  }
}

/** The message of a Redis error. It never contains the URL, which may include a password. */
export function describeFailure(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return describeFailure(error.errors[0])
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? String(error.code) : ''
  return error.message || code || error.name
}

/** Whether the reason is that the server belongs to a cluster and has only some of the keys. */
export function isRedirection(reason: string): boolean {
  return /^(MOVED|ASK) /.test(reason)
}

/** What to do about a failure. */
export function adviceFor(reason: string): string {
  if (isRedirection(reason)) {
    return 'It is one server of a cluster, and the simulator needs an endpoint that has all keys. Use a Redis without clustering, or a cluster behind a proxy (on Azure Managed Redis: cluster policy Enterprise)'
  }
  if (/certificate|altnames/i.test(reason)) {
    return 'Set NODE_EXTRA_CA_CERTS to the file of the certificate authority, and use a host name of the certificate in REDIS_URL'
  }
  if (/^(WRONGPASS|NOAUTH|NOPERM|ERR AUTH)/.test(reason)) {
    return 'Correct user and password in REDIS_URL (percent-encoded), and the permissions of the user (docs/many-machines.md)'
  }
  return 'Start it, or correct REDIS_URL'
}
