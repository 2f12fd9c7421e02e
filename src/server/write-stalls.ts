import type { Socket } from 'node:net'
import { takenBytes } from './node-internals.ts'
import { clearInterval, monotonicMs, setInterval } from '../lib/real-timers.ts'

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
      const taken = takenBytes(socket)
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
