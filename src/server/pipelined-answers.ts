import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * The answers whose turn has not come, because an earlier request of their connection is not answered. Node keeps any
 * number of them, and does not tell them when their connection closes.
 */
export class PipelinedAnswers {
  readonly #limit: number
  readonly #waiting = new WeakMap<Socket, Set<ServerResponse>>()

  /** @param limit most for one connection */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Sees to an answer that has no socket yet; false where its connection has too many of them. */
  add(outgoing: ServerResponse): boolean {
    const { socket } = outgoing.req
    const waiting = this.#waiting.get(socket) ?? this.#watch(socket)
    if (waiting.size >= this.#limit) return false
    waiting.add(outgoing)
    // Node's own word, when it assigns one.
    outgoing.once('socket', () => waiting.delete(outgoing))
    return true
  }

  #watch(socket: Socket): Set<ServerResponse> {
    const waiting = new Set<ServerResponse>()
    this.#waiting.set(socket, waiting)
    socket.once('close', () => {
      for (const outgoing of waiting) {
        outgoing.destroy()
        outgoing.emit('close')
      }
      waiting.clear()
    })
    return waiting
  }
}
