import type { createClient } from 'redis'
import type { Clock, StopTimer } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { CallTimes } from './call-times.ts'
import { describeFailure } from './describe-failure.ts'
import { type Client, openClient, pauseMs } from './open-client.ts'
import { probeRedis } from './probe-redis.ts'
import { isUnknownScript, type Sender } from './redis-script.ts'

/** A connection that held for so long was a good one: the next attempts begin with the short pauses again. */
const provenMs = 10_000

/** What a connection to Redis is made from. */
export interface RedisConnectionParts {
  readonly url: string
  /** What keys begin with. */
  readonly prefix: string
  /** How long an answer may take before Redis counts as away. */
  readonly timeoutMs: number
  /** That of the machine: a network does not wait for a virtual one. */
  readonly clock: Clock
  readonly logger: Logger
  /** How long there may be no sign of life before the connection is given up and made anew; default 10 s. */
  readonly hungMs?: number
}

/** Says that Redis is known to be away, so that nobody has to wait to learn it. */
class RedisAway extends Error {
  override readonly name = 'RedisAway'
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
  readonly #parts: RedisConnectionParts
  readonly #create: typeof createClient
  readonly #calls: CallTimes
  readonly #hungMs: number
  readonly #upListeners: (() => void)[] = []
  readonly #channels = new Map<string, (message: string) => void>()
  #client: Client
  #closed = false
  #toldDown = false
  #changedMs: number
  #attempts = 0
  #fallbacksBefore = 0
  #stopProbe: StopTimer | undefined
  #stopWatchdog: StopTimer | undefined

  /** @param create of the package `redis`, which is loaded only where it is needed */
  constructor(parts: RedisConnectionParts, create: typeof createClient) {
    const { clock, timeoutMs, hungMs = 10_000 } = parts
    this.#parts = parts
    this.clock = clock
    this.#create = create
    this.#hungMs = hungMs
    this.#changedMs = clock.nowMs()
    this.#calls = new CallTimes(clock, timeoutMs, () => this.#goDown(`no answer within ${timeoutMs} ms`))
    this.#client = this.#open()
  }

  /** Hears each time that Redis has come up, the first time included. */
  onUp(listener: () => void): void {
    this.#upListeners.push(listener)
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
          if (!isUnknownScript(error)) this.#goDown(describeFailure(error))
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
    this.#stopProbe?.()
    this.#stopWatchdog?.()
    this.#client.destroy()
    this.#calls.close(new RedisAway(this.reason))
  }

  #open(): Client {
    const isPresent = (client: Client): boolean => client === this.#client && !this.#closed
    const client = openClient(this.#create, this.#parts.url, {
      onReady: (ready) => {
        if (isPresent(ready)) void this.#onReady(ready)
      },
      onError: (failed, error) => {
        if (!isPresent(failed)) return
        this.#signOfLife()
        this.#goDown(describeFailure(error))
      },
    })
    this.#signOfLife()
    return client
  }

  async #onReady(client: Client): Promise<void> {
    this.#signOfLife()
    // A client that comes back by itself subscribes again by itself.
    if (!client.isPubSubActive) {
      for (const [channel, listener] of this.#channels) await this.#subscribe(client, channel, listener)
    }
    if (client === this.#client) this.#probeIn(this.#attempts === 0 ? 0 : pauseMs(this.#attempts))
  }

  async #subscribe(client: Client, channel: string, listener: (message: string) => void): Promise<void> {
    try {
      await client.subscribe(channel, listener)
    } catch (error) {
      if (!client.isReady) return
      this.#parts.logger.warn(
        { channel, err: describeFailure(error) },
        'Redis refuses to tell of changes that other simulators make. Allow the user SUBSCRIBE.',
      )
    }
  }

  #probeIn(delayMs: number): void {
    const { clock } = this
    this.#stopProbe?.()
    this.#stopWatchdog?.()
    this.#stopProbe = clock.at(clock.nowMs() + delayMs, () => void this.#probe())
  }

  async #probe(): Promise<void> {
    const client = this.#client
    const { clock, prefix, timeoutMs } = this.#parts
    if (this.#closed || this.state.up) return
    this.#signOfLife()
    if (!client.isReady) return
    const sentMs = clock.nowMs()
    try {
      await probeRedis(client, prefix)
    } catch (error) {
      if (client !== this.#client || this.#closed || !client.isReady) return
      this.#signOfLife()
      this.#goDown(describeFailure(error))
      this.#probeIn(pauseMs(++this.#attempts))
      return
    }
    if (client !== this.#client || this.#closed) return
    this.#signOfLife()
    if (clock.nowMs() - sentMs > timeoutMs) this.#probeIn(pauseMs(++this.#attempts))
    else this.#goUp()
  }

  #goUp(): void {
    const { clock, logger } = this.#parts
    if (this.state.up) return
    this.#stopWatchdog?.()
    this.#stopWatchdog = undefined
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

  #goDown(reason: string): void {
    this.reason = reason
    if (this.#closed || !this.state.up) return
    const { clock } = this
    this.state.up = false
    if (clock.nowMs() - this.#changedMs > provenMs) this.#attempts = 0
    this.#changedMs = clock.nowMs()
    this.#tellDown()
    this.#calls.failAll(new RedisAway(reason))
    this.#signOfLife()
    if (this.#client.isReady) this.#probeIn(pauseMs(++this.#attempts))
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
    this.#stopWatchdog = clock.at(clock.nowMs() + this.#hungMs, () => {
      if (this.#closed || this.state.up) return
      const hung = this.#client
      this.#client = this.#open()
      hung.destroy()
    })
  }
}
