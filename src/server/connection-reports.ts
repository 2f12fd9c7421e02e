import type { ConnectionEnd } from '../metrics/connection-end.ts'
import type { Logger } from '../lib/logger.ts'
import type { Socket } from 'node:net'
import { sentBytes } from './node-internals.ts'
import { clearInterval, monotonicMs, setInterval } from '../lib/real-timers.ts'

/** Someone who floods the port must not flood the log. */
const INTERVAL_MS = 60_000

/** Tells of connections that were ended: the metrics of each, and the log at once and then once a minute with their numbers. */
export class ConnectionReports {
  readonly #logger: Logger | undefined
  readonly #maxConnections: number
  readonly #onEnd: (end: ConnectionEnd) => void
  readonly #untold = new Map<ConnectionEnd, number>()
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
    this.#untold.set(end, (this.#untold.get(end) ?? 0) + 1)
    if (!this.#timer) this.#tell()
  }

  /** Tells what has not been told. */
  close(): void {
    clearTimeout(this.#timer)
    this.#log()
  }

  #tell(): void {
    this.#timer = this.#log() ? setTimeout(() => this.#tell(), INTERVAL_MS).unref() : undefined
  }

  #log(): boolean {
    if (this.#untold.size === 0) return false
    const full = this.#untold.has('turnedAway') && { maxConnections: this.#maxConnections }
    this.#logger?.warn(
      { ...Object.fromEntries(this.#untold), ...full },
      'Connections were ended by their limits (docs/connections.md).',
    )
    this.#untold.clear()
    return true
  }
}

interface Stall {
  readonly takenBytes: number
  readonly sinceMs: number
}

/** How often in the time that a stall may take it is looked for. */
const LOOKS_PER_STALL = 4
const MAX_SWEEP_MS = 15_000

/**
 * Cuts connections whose clients take nothing of what waits for them. All connections are looked at now and then, because
 * a timer for each would be set anew for each write.
 */
export class WriteStalls {
  readonly #stallMs: number
  readonly #onCut: () => void
  readonly #sockets = new Set<Socket>()
  readonly #stalls = new Map<Socket, Stall>()
  readonly #sweep: NodeJS.Timeout

  constructor(stallMs: number, onCut: () => void) {
    this.#stallMs = stallMs
    this.#onCut = onCut
    this.#sweep = setInterval(() => this.#look(), Math.min(MAX_SWEEP_MS, stallMs / LOOKS_PER_STALL)).unref()
  }

  /** Watches a connection until it closes. */
  watch(socket: Socket): void {
    // A connection that was handed back to Node comes once more.
    if (this.#sockets.has(socket)) return
    this.#sockets.add(socket)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      this.#stalls.delete(socket)
    })
  }

  close(): void {
    clearInterval(this.#sweep)
  }

  #look(): void {
    const nowMs = monotonicMs()
    for (const socket of this.#sockets) {
      if (socket.writableLength === 0) {
        this.#stalls.delete(socket)
        continue
      }
      const taken = sentBytes(socket)
      const stall = this.#stalls.get(socket)
      // NaN, of a Node that tells no more, is not equal to itself: nobody is cut then.
      if (stall?.takenBytes !== taken) this.#stalls.set(socket, { takenBytes: taken, sinceMs: nowMs })
      else if (nowMs - stall.sinceMs >= this.#stallMs) this.#cut(socket)
    }
  }

  #cut(socket: Socket): void {
    this.#onCut()
    // A reset lets the operating system forget what it still holds for the client.
    socket.resetAndDestroy()
  }
}
