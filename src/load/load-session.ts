import type { IncomingHttpHeaders } from 'node:http'
import type { ConnectionEvents, LoadConnection } from './connection-pool.ts'
import type { FailureGroup } from './load-report.ts'
import type { LoadStatistics } from './load-statistics.ts'
import { SentRequest, type RequestOutcome } from './sent-request.ts'

/** What a session needs. Times are in milliseconds on the scale of `now`. */
export interface SessionOptions {
  readonly now: () => number
  /** Calls back after a time; nothing is kept alive by it. */
  readonly later: (action: () => void, delayMs: number) => void
  readonly makeBody: () => string
  readonly isStream: boolean
  readonly honoursRetryAfter: boolean
  /** Whether requests come at times of their own (open loop) or when a connection is free (closed loop). */
  readonly isOpenLoop: boolean
  readonly statistics: LoadStatistics
}

/** Failed attempts to connect in a row, with no answer between them, after which the address counts as gone ... */
const mostRefusals = 50
/** ... or this time without a single connection, in milliseconds: few connections take long for so many attempts. */
const longestAwayMs = 5_000

/** Answers that later requests would get as well: a wrong key, a forbidden network, a deployment that does not exist. */
const lastingStatuses: ReadonlySet<string> = new Set(['401', '403', '404'])
/** If the first answers are all of that kind, so many of them end the run ... */
const mostLasting = 10
/** ... or this time in milliseconds where requests are rare. */
const longestLastingMs = 1_000

/** Hands requests to connections, and what comes back to the statistics. */
export class LoadSession implements ConnectionEvents {
  readonly #options: SessionOptions
  readonly #ready = new Set<LoadConnection>()
  readonly #underWay = new Map<LoadConnection, SentRequest>()
  /** Until when a connection rests, as a 429 told it. */
  readonly #restsUntil = new Map<LoadConnection, number>()
  readonly #waiting = new DueTimes()
  #isSending = false
  /** Requests due from here on are counted. */
  #countFromMs = 0
  #refusals = 0
  #lastRefusal = ''
  /** Since when each attempt to connect has failed. */
  #awaySinceMs: number | undefined
  /** The first answers, as long as all of them have a lasting status. */
  #lasting: { reason: string; count: number; example: string; firstMs: number } | undefined
  #hasOtherAnswers = false
  #isRefused = false
  #neverSent = 0
  #lastEndMs = 0

  constructor(options: SessionOptions) {
    this.#options = options
  }

  /** Connections that could send at once. */
  get ready(): number {
    return this.#ready.size
  }

  /** Requests on their way. */
  get underWay(): number {
    return this.#underWay.size
  }

  /** Requests that were due and have not been sent, those of the warm-up aside. */
  get neverSent(): number {
    return this.#neverSent
  }

  /** When the last request ended; 0 before the first. */
  get lastEndMs(): number {
    return this.#lastEndMs
  }

  /** Why no connection can be made any more; undefined while some can. */
  get unreachable(): string | undefined {
    const awayMs = this.#options.now() - (this.#awaySinceMs ?? Infinity)
    return this.#refusals >= mostRefusals || awayMs >= longestAwayMs ? this.#lastRefusal : undefined
  }

  /** What the endpoint answered to each request, where the next ones would get the same; undefined where they may not. */
  get refusal(): FailureGroup | undefined {
    if (!this.#lasting || (this.#hasOtherAnswers && !this.#isRefused)) return undefined
    const { firstMs, ...group } = this.#lasting
    // What was sent before the first of these answers came back, and takes longer, may have another one.
    const [oldest] = this.#underWay.values()
    this.#isRefused ||=
      group.count >= mostLasting
        ? oldest === undefined || oldest.dueMs >= firstMs
        : oldest === undefined && this.#options.now() - firstMs >= longestLastingMs
    return this.#isRefused ? group : undefined
  }

  /** Begins to send. Requests due before `countFromMs` warm up, and are not counted. */
  start(countFromMs: number): void {
    this.#countFromMs = countFromMs
    this.#isSending = true
    for (const connection of this.#ready) this.#use(connection)
  }

  /** Open loop: a request is due. */
  arrive(dueMs: number): void {
    if (!this.#isSending) return
    const [connection] = this.#ready
    if (connection) this.#send(connection, dueMs, false)
    else this.#waiting.add(dueMs)
  }

  /** Sends no more. What is under way goes on. */
  stopSending(): void {
    this.#isSending = false
    this.#neverSent = this.#waiting.countFrom(this.#countFromMs)
  }

  onReady(connection: LoadConnection): void {
    this.#awaySinceMs = undefined
    this.#ready.add(connection)
    this.#use(connection)
  }

  onAway(connection: LoadConnection): void {
    this.#ready.delete(connection)
  }

  onHead(connection: LoadConnection, status: number, headers: IncomingHttpHeaders): void {
    this.#refusals = 0
    this.#underWay.get(connection)?.takeHead(status, headers)
  }

  onBody(connection: LoadConnection, text: string): void {
    this.#underWay.get(connection)?.takeBody(text, this.#options.now())
  }

  onEnd(connection: LoadConnection): void {
    this.#finish(connection, (request, nowMs) => request.end(nowMs))
  }

  onBroken(connection: LoadConnection, reason: string): void {
    this.#finish(connection, (request, nowMs) => request.break(reason, nowMs))
  }

  onUnreachable(reason: string): void {
    this.#awaySinceMs ??= this.#options.now()
    this.#refusals += 1
    this.#lastRefusal = reason
  }

  /** Sends the next request, if there is one and the connection may. */
  #use(connection: LoadConnection): void {
    if (!this.#isSending || !this.#ready.has(connection)) return
    const { now, later, isOpenLoop } = this.#options
    const restMs = (this.#restsUntil.get(connection) ?? 0) - now()
    if (restMs > 0) return later(() => this.#use(connection), Math.ceil(restMs))
    const dueMs = isOpenLoop ? this.#waiting.take() : now()
    if (dueMs !== undefined) this.#send(connection, dueMs, isOpenLoop)
  }

  #send(connection: LoadConnection, dueMs: number, isLate: boolean): void {
    const { makeBody, isStream, statistics } = this.#options
    const isCounted = dueMs >= this.#countFromMs
    if (isCounted) statistics.countSent(isLate)
    const onGap = isCounted ? (gapMs: number) => statistics.recordGap(gapMs) : () => {}
    this.#ready.delete(connection)
    this.#underWay.set(connection, new SentRequest(dueMs, isStream, onGap))
    connection.send(makeBody())
  }

  #finish(
    connection: LoadConnection,
    outcomeOf: (request: SentRequest, nowMs: number) => RequestOutcome,
  ): void {
    const request = this.#underWay.get(connection)
    if (!request) return
    const { now, honoursRetryAfter, statistics } = this.#options
    this.#underWay.delete(connection)
    this.#lastEndMs = now()
    const outcome = outcomeOf(request, this.#lastEndMs)
    if (request.dueMs >= this.#countFromMs) statistics.record(outcome)
    if (this.#isSending && this.#lastEndMs >= this.#countFromMs) statistics.countEnded(outcome)
    this.#noteRefusal(outcome)
    if (honoursRetryAfter) this.#restsUntil.set(connection, this.#lastEndMs + (outcome.retryAfterMs ?? 0))
  }

  #noteRefusal({ kind, reason, detail }: RequestOutcome): void {
    const isAnswer = kind !== 'failed' || /^\d+$/.test(reason)
    if (kind === 'failed' && lastingStatuses.has(reason)) {
      this.#lasting ??= { reason, count: 0, example: detail, firstMs: this.#lastEndMs }
      this.#lasting.count += 1
      // At once: a quick endpoint would be sent hundreds more until the run looks again.
      if (this.refusal) this.stopSending()
    } else if (isAnswer) {
      this.#hasOtherAnswers = true
    }
  }
}

/** A queue of times at which requests were due, the first one first. Taking is quick, however many wait. */
class DueTimes {
  readonly #times: number[] = []
  #taken = 0

  add(dueMs: number): void {
    this.#times.push(dueMs)
  }

  /** The time that has waited longest. */
  take(): number | undefined {
    const dueMs = this.#times[this.#taken]
    if (dueMs === undefined) return undefined
    this.#taken += 1
    if (this.#taken > 1_000 && this.#taken * 2 > this.#times.length) {
      this.#times.splice(0, this.#taken)
      this.#taken = 0
    }
    return dueMs
  }

  /** How many of those that wait were due at a time or later. */
  countFrom(dueMs: number): number {
    return this.#times.slice(this.#taken).filter((time) => time >= dueMs).length
  }
}
