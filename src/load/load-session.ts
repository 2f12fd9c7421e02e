import type { IncomingHttpHeaders } from 'node:http'
import type { ConnectionEvents, LoadConnection } from './connection-pool.ts'
import type { FailureGroup } from './load-report.ts'
import type { LoadStatistics } from './load-statistics.ts'
import { SentRequest, type RequestOutcome } from './sent-request.ts'

/** Options of a session. Times are in milliseconds on the scale of `now`. */
export interface SessionOptions {
  readonly now: () => number
  /** Calls back after a delay. Does not keep the process alive. */
  readonly later: (action: () => void, delayMs: number) => void
  readonly makeBody: () => string
  readonly isStream: boolean
  readonly honoursRetryAfter: boolean
  /** Whether requests have their own due times (open loop) or start when a connection is free (closed loop). */
  readonly isOpenLoop: boolean
  readonly statistics: LoadStatistics
}

/** After this number of failed attempts to connect without an answer between them, the target is unreachable. */
const MAX_FAILED_CONNECTS = 50
/** It is also unreachable after this time without a connection: a few connections need long for that many attempts. */
const MAX_DISCONNECTED_MS = 5_000

/** Statuses that all requests get: an invalid key, a forbidden network, a missing deployment. */
const permanentStatuses: ReadonlySet<string> = new Set(['401', '403', '404'])
/** If all first answers have a permanent status, this number of them ends the run. */
const MAX_PERMANENT_FAILURES = 10
/** At a low rate, this time since the first of them ends it. */
const MAX_PERMANENT_FAILURE_MS = 1_000

/** Sends requests over connections and records their outcomes. */
export class LoadSession implements ConnectionEvents {
  readonly #options: SessionOptions
  readonly #ready = new Set<LoadConnection>()
  readonly #pending = new Map<LoadConnection, SentRequest>()
  /** When a connection may send again after a 429. */
  readonly #pausedUntil = new Map<LoadConnection, number>()
  readonly #waiting = new DueTimes()
  #isSending = false
  /** Requests due at or after this time are counted. */
  #countFromMs = 0
  #failedConnects = 0
  #lastConnectError = ''
  /** Time of the first failed attempt to connect since a connection was open. */
  #disconnectedSinceMs: number | undefined
  /** Answers with a permanent status. */
  #permanent: { reason: string; count: number; example: string; firstMs: number } | undefined
  #hasOtherAnswers = false
  #isRefused = false
  #neverSent = 0
  #lastEndMs = 0

  constructor(options: SessionOptions) {
    this.#options = options
  }

  /** Number of connections that can send. */
  get ready(): number {
    return this.#ready.size
  }

  /** Number of requests without a complete answer. */
  get pending(): number {
    return this.#pending.size
  }

  /** Number of requests that were due but never sent, without the warm-up. */
  get neverSent(): number {
    return this.#neverSent
  }

  /** Time at which the last request ended. 0 before the first. */
  get lastEndMs(): number {
    return this.#lastEndMs
  }

  /** Error of the last attempt to connect. Undefined while the target is reachable. */
  get unreachable(): string | undefined {
    const disconnectedMs = this.#options.now() - (this.#disconnectedSinceMs ?? Infinity)
    return this.#failedConnects >= MAX_FAILED_CONNECTS || disconnectedMs >= MAX_DISCONNECTED_MS
      ? this.#lastConnectError
      : undefined
  }

  /** The answer that all requests got, if it is permanent. Otherwise undefined. */
  get refusal(): FailureGroup | undefined {
    if (!this.#permanent || (this.#hasOtherAnswers && !this.#isRefused)) return undefined
    const { firstMs, ...group } = this.#permanent
    // Requests sent before the first of these answers may still get a different one.
    const [oldest] = this.#pending.values()
    this.#isRefused ||=
      group.count >= MAX_PERMANENT_FAILURES
        ? oldest === undefined || oldest.dueMs >= firstMs
        : oldest === undefined && this.#options.now() - firstMs >= MAX_PERMANENT_FAILURE_MS
    return this.#isRefused ? group : undefined
  }

  /** Starts to send. Requests due before `countFromMs` are warm-up and not counted. */
  start(countFromMs: number): void {
    this.#countFromMs = countFromMs
    this.#isSending = true
    for (const connection of this.#ready) this.#sendNext(connection)
  }

  /** Open loop: sends a request, or queues it until a connection is free. */
  arrive(dueMs: number): void {
    if (!this.#isSending) return
    const [connection] = this.#ready
    if (connection) this.#send(connection, dueMs, false)
    else this.#waiting.add(dueMs)
  }

  /** Stops sending. Pending requests continue. */
  stopSending(): void {
    this.#isSending = false
    this.#neverSent = this.#waiting.countFrom(this.#countFromMs)
  }

  onReady(connection: LoadConnection): void {
    this.#disconnectedSinceMs = undefined
    this.#ready.add(connection)
    this.#sendNext(connection)
  }

  onClosed(connection: LoadConnection): void {
    this.#ready.delete(connection)
  }

  onHead(connection: LoadConnection, status: number, headers: IncomingHttpHeaders): void {
    this.#failedConnects = 0
    this.#pending.get(connection)?.takeHead(status, headers)
  }

  onBody(connection: LoadConnection, chunk: Buffer): void {
    this.#pending.get(connection)?.takeBody(chunk, this.#options.now())
  }

  onEnd(connection: LoadConnection): void {
    this.#finish(connection, (request, nowMs) => request.end(nowMs))
  }

  onBroken(connection: LoadConnection, reason: string): void {
    this.#finish(connection, (request, nowMs) => request.break(reason, nowMs))
  }

  onUnreachable(reason: string): void {
    this.#disconnectedSinceMs ??= this.#options.now()
    this.#failedConnects += 1
    this.#lastConnectError = reason
  }

  /** Sends the next request, if one is due and the connection is not paused. */
  #sendNext(connection: LoadConnection): void {
    if (!this.#isSending || !this.#ready.has(connection)) return
    const { now, later, isOpenLoop } = this.#options
    const pausedMs = (this.#pausedUntil.get(connection) ?? 0) - now()
    if (pausedMs > 0) return later(() => this.#sendNext(connection), Math.ceil(pausedMs))
    const dueMs = isOpenLoop ? this.#waiting.take() : now()
    if (dueMs !== undefined) this.#send(connection, dueMs, isOpenLoop)
  }

  #send(connection: LoadConnection, dueMs: number, isLate: boolean): void {
    const { makeBody, isStream, statistics } = this.#options
    const isCounted = dueMs >= this.#countFromMs
    if (isCounted) statistics.countSent(isLate)
    const onGap = isCounted ? (gapMs: number) => statistics.recordGap(gapMs) : () => {}
    this.#ready.delete(connection)
    this.#pending.set(connection, new SentRequest(dueMs, isStream, onGap))
    connection.send(makeBody())
  }

  #finish(
    connection: LoadConnection,
    outcomeOf: (request: SentRequest, nowMs: number) => RequestOutcome,
  ): void {
    const request = this.#pending.get(connection)
    if (!request) return
    const { now, honoursRetryAfter, statistics } = this.#options
    this.#pending.delete(connection)
    this.#lastEndMs = now()
    const outcome = outcomeOf(request, this.#lastEndMs)
    if (request.dueMs >= this.#countFromMs) statistics.record(outcome)
    if (this.#isSending && this.#lastEndMs >= this.#countFromMs) statistics.countEnded(outcome)
    this.#checkPermanent(outcome)
    if (honoursRetryAfter) this.#pausedUntil.set(connection, this.#lastEndMs + (outcome.retryAfterMs ?? 0))
  }

  #checkPermanent({ kind, reason, detail }: RequestOutcome): void {
    const isAnswer = kind !== 'failed' || /^\d+$/.test(reason)
    if (kind === 'failed' && permanentStatuses.has(reason)) {
      this.#permanent ??= { reason, count: 0, example: detail, firstMs: this.#lastEndMs }
      this.#permanent.count += 1
      // Checked here: a fast endpoint would get hundreds of requests until the run polls again.
      if (this.refusal) this.stopSending()
    } else if (isAnswer) {
      this.#hasOtherAnswers = true
    }
  }
}

/** Fewer taken times than this are not removed from the array. */
const MIN_COMPACTED = 1_000

/** A queue of the due times of waiting requests. Constant time per operation, amortized. */
class DueTimes {
  readonly #times: number[] = []
  #taken = 0

  add(dueMs: number): void {
    this.#times.push(dueMs)
  }

  /** Takes the oldest time. */
  take(): number | undefined {
    const dueMs = this.#times[this.#taken]
    if (dueMs === undefined) return undefined
    this.#taken += 1
    if (this.#taken > MIN_COMPACTED && this.#taken * 2 > this.#times.length) {
      this.#times.splice(0, this.#taken)
      this.#taken = 0
    }
    return dueMs
  }

  /** Counts the times that are not before a time. */
  countFrom(dueMs: number): number {
    return this.#times.slice(this.#taken).filter((time) => time >= dueMs).length
  }
}
