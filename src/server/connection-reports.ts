import type { ConnectionEnd } from '../metrics/connection-end.ts'
import type { Logger } from '../lib/logger.ts'
import type { Socket } from 'node:net'
import { resetNow, sentBytes } from './node-internals.ts'
import { clearInterval, monotonicMs, setInterval } from '../lib/real-timers.ts'

/** A flood of connections must not flood the log. */
const LOG_INTERVAL_MS = 60_000

/** Reports closed connections: each one to the metrics, and their counts to the log, immediately and then once a minute. */
export class ConnectionReports {
  readonly #logger: Logger | undefined
  readonly #maxConnections: number
  readonly #onEnd: (end: ConnectionEnd) => void
  readonly #unlogged = new Map<ConnectionEnd, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(
    logger: Logger | undefined,
    maxConnections: number,
    onEnd: (end: ConnectionEnd) => void = () => {},
  ) {
    this.#logger = logger
    this.#maxConnections = maxConnections
    this.#onEnd = onEnd
  }

  count(end: ConnectionEnd): void {
    this.#onEnd(end)
    this.#unlogged.set(end, (this.#unlogged.get(end) ?? 0) + 1)
    if (!this.#timer) this.#startLogging()
  }

  /** Logs the remaining counts. */
  close(): void {
    clearTimeout(this.#timer)
    this.#log()
  }

  #startLogging(): void {
    this.#timer = this.#log() ? setTimeout(() => this.#startLogging(), LOG_INTERVAL_MS).unref() : undefined
  }

  #log(): boolean {
    if (this.#unlogged.size === 0) return false
    const full = this.#unlogged.has('turnedAway') && { maxConnections: this.#maxConnections }
    this.#logger?.warn(
      { ...Object.fromEntries(this.#unlogged), ...full },
      'Connections were closed because of connection limits (docs/connections.md).',
    )
    this.#unlogged.clear()
    return true
  }
}

interface Stall {
  readonly sentBytes: number
  readonly sinceMs: number
}

/** Number of checks in the maximum duration of a stall. */
const CHECKS_PER_STALL = 4
const MAX_CHECK_INTERVAL_MS = 15_000

/**
 * Cuts connections of clients that do not read. All connections are checked periodically, because a timer per connection would have to
 * be restarted for each write.
 */
export class WriteStalls {
  readonly #stallMs: number
  readonly #onCut: () => void
  readonly #sockets = new Set<Socket>()
  readonly #stalls = new Map<Socket, Stall>()
  readonly #checkTimer: NodeJS.Timeout

  constructor(stallMs: number, onCut: () => void) {
    this.#stallMs = stallMs
    this.#onCut = onCut
    this.#checkTimer = setInterval(
      () => this.#checkAll(),
      Math.min(MAX_CHECK_INTERVAL_MS, stallMs / CHECKS_PER_STALL),
    ).unref()
  }

  /** Watches a connection until it closes. */
  watch(socket: Socket): void {
    // A connection that was returned to Node is seen again.
    if (this.#sockets.has(socket)) return
    this.#sockets.add(socket)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      this.#stalls.delete(socket)
    })
  }

  close(): void {
    clearInterval(this.#checkTimer)
  }

  #checkAll(): void {
    const nowMs = monotonicMs()
    for (const socket of this.#sockets) {
      if (socket.writableLength === 0) {
        this.#stalls.delete(socket)
        continue
      }
      const sent = sentBytes(socket)
      const stall = this.#stalls.get(socket)
      // NaN, if Node does not have the counters, is not equal to itself, so that no connection is cut.
      if (stall?.sentBytes !== sent) this.#stalls.set(socket, { sentBytes: sent, sinceMs: nowMs })
      else if (nowMs - stall.sinceMs >= this.#stallMs) this.#cut(socket)
    }
  }

  #cut(socket: Socket): void {
    this.#onCut()
    // A reset frees the send buffer in the operating system.
    resetNow(socket)
  }
}
