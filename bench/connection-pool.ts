import { connect, type Socket } from 'node:net'
import { AnswerReader } from './answer-reader.ts'

/** Callbacks for one answer. */
export interface AnswerListener {
  /** Called when events of a stream arrive. */
  onEvents(count: number): void
  /**
   * Called once at the end. `isComplete` is false if either side closed the connection early; `status` is 0 without
   * an answer.
   */
  onEnd(end: { readonly status: number; readonly isComplete: boolean }): void
}

/**
 * Sends prepared bytes over raw sockets and reuses each socket after its answer. A client on `node:http` would use
 * more CPU than the simulator.
 */
export class ConnectionPool {
  readonly #port: number
  readonly #idle: Socket[] = []
  readonly #answers = new Map<Socket, { reader: AnswerReader; listener: AnswerListener; status: number }>()

  constructor(port: number) {
    this.#port = port
  }

  /** @returns a function that closes the connection, like a client that disconnects */
  send(request: string, listener: AnswerListener): () => void {
    const socket = this.#idle.pop() ?? this.#open()
    this.#answers.set(socket, { reader: new AnswerReader(), listener, status: 0 })
    socket.write(request)
    return () => socket.destroy()
  }

  #open(): Socket {
    const socket = connect(this.#port, '127.0.0.1')
    socket.setNoDelay(true)
    socket.on('data', (piece) => this.#read(socket, piece))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      const index = this.#idle.indexOf(socket)
      if (index >= 0) this.#idle.splice(index, 1)
      this.#end(socket, false)
    })
    return socket
  }

  #read(socket: Socket, piece: Buffer): void {
    const answer = this.#answers.get(socket)
    if (!answer) return
    const { status, events, isComplete } = answer.reader.read(piece)
    answer.status = status
    if (events > 0) answer.listener.onEvents(events)
    if (!isComplete) return
    this.#end(socket, true)
    this.#idle.push(socket)
  }

  #end(socket: Socket, isComplete: boolean): void {
    const answer = this.#answers.get(socket)
    this.#answers.delete(socket)
    answer?.listener.onEnd({ status: answer.status, isComplete })
  }
}
