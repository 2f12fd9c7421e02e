import type { Socket } from 'node:net'
import { clearInterval, monotonicMs, setInterval } from '../lib/real-timers.ts'

/** What Node knows of a socket's handle. */
interface Handle {
  /** Handed to libuv, in bytes. */
  readonly bytesWritten?: number
  /** Of that, what the operating system has not taken yet. */
  readonly writeQueueSize?: number
}

interface Stall {
  readonly takenBytes: number
  readonly sinceMs: number
}

/** How often in the time that a stall may take it is looked for. */
const looksPerStall = 4
const longestSweepMs = 15_000

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
    this.#sweep = setInterval(() => this.#look(), Math.min(longestSweepMs, stallMs / looksPerStall)).unref()
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
      const takenBytes = takenOf(socket)
      const stall = this.#stalls.get(socket)
      // NaN, of a Node that tells no more, is not equal to itself: nobody is cut then.
      if (stall?.takenBytes !== takenBytes) this.#stalls.set(socket, { takenBytes, sinceMs: nowMs })
      else if (nowMs - stall.sinceMs >= this.#stallMs) this.#cut(socket)
    }
  }

  #cut(socket: Socket): void {
    this.#onCut()
    // A reset lets the operating system forget what it still holds for the client.
    socket.resetAndDestroy()
  }
}

/** What the operating system has taken of all that was written, in bytes. */
function takenOf(socket: Socket): number {
  const { _handle: handle } = socket as Socket & { readonly _handle?: Handle | null }
  return (handle?.bytesWritten ?? Number.NaN) - (handle?.writeQueueSize ?? Number.NaN)
}
