import type { Duplex } from 'node:stream'
import { setTimeout } from '../lib/real-timers.ts'

/** How long what a refused client still sends is read, so that a reset does not overtake its answer; in milliseconds. */
const lingerMs = 500

const lingering = new WeakSet<Duplex>()

/** Whether a connection only waits for its end: what still comes on it gets no answer. */
export function isLingering(socket: Duplex): boolean {
  return lingering.has(socket)
}

/** Ends a connection after its last bytes, and reads on for a moment without keeping anything. */
export function endAndLinger(socket: Duplex, lastBytes?: string): void {
  lingering.add(socket)
  socket.end(lastBytes)
  setTimeout(() => socket.destroy(), lingerMs).unref()
}
