import { reasonOf } from '../../lib/error-text.ts'

/** Functions that one process offers to another: each takes one argument and gives a value that JSON can carry. */
export type Methods = Readonly<Record<string, (argument: never) => unknown>>

/** The way to the other process: what is sent arrives whole and in its order, or not at all. */
export interface Channel {
  send(message: unknown): void
}

/** A call (with a number above 0), a notice (0), or an answer (the number of its call, negated). */
type Frame =
  | readonly [number: number, method: string, argument: unknown]
  | readonly [answered: number, value: unknown, failure?: string]

/** The method that every peer has: its answer comes behind all that was told before it. */
const syncMethod = ''

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/**
 * One end of a connection between two processes. All calls, notices and answers of one turn of the event loop travel in one
 * message: a message costs ten times what a call in it does.
 */
export class Peer {
  readonly #channel: Channel
  readonly #methods: Methods
  readonly #onFailure: (error: unknown, method: string) => void
  readonly #waiting = new Map<number, Waiting>()
  #outbox: Frame[] = []
  #flushing: NodeJS.Immediate | undefined
  #lastNumber = 0
  #closed: Error | undefined

  /**
   * @param methods what the other side may call here
   * @param onFailure hears of a notice whose method threw: nobody waits for its answer
   */
  constructor(
    channel: Channel,
    methods: Methods,
    onFailure: (error: unknown, method: string) => void = () => {},
  ) {
    this.#channel = channel
    this.#methods = methods
    this.#onFailure = onFailure
  }

  /** Asks the other side. Rejects when its method fails, and when the connection ends before the answer. */
  call(method: string, argument: unknown): Promise<unknown> {
    if (this.#closed) return Promise.reject(this.#closed)
    return new Promise((resolve, reject) => {
      const number = ++this.#lastNumber
      this.#waiting.set(number, { resolve, reject })
      this.#post([number, method, argument])
    })
  }

  /** Tells the other side, behind all that was told and asked before. */
  tell(method: string, argument: unknown): void {
    if (!this.#closed) this.#post([0, method, argument])
  }

  /** Ends when all has arrived here that the other side has sent by now. Rejects when the connection ends before. */
  async sync(): Promise<void> {
    await this.call(syncMethod, null)
  }

  /** Takes a message that the other side has sent. */
  receive(message: unknown): void {
    for (const frame of message as Frame[]) {
      if (frame[0] < 0) this.#settle(-frame[0], frame[1], frame[2] as string | undefined)
      else this.#run(frame[0], frame[1] as string, frame[2])
    }
    // Whoever waits need not wait for the end of this turn, and most answers are known by now.
    this.flush()
  }

  /** Sends what waits to be sent. */
  flush(): void {
    if (this.#outbox.length === 0 || this.#closed) return
    const frames = this.#outbox
    this.#outbox = []
    this.#channel.send(frames)
  }

  /** Ends the connection: nothing more is sent, and every call that waits for its answer is rejected. */
  close(reason: Error): void {
    this.#closed ??= reason
    this.#outbox = []
    clearImmediate(this.#flushing)
    for (const { reject } of this.#waiting.values()) reject(reason)
    this.#waiting.clear()
  }

  #post(frame: Frame): void {
    this.#outbox.push(frame)
    this.#flushing ??= setImmediate(() => {
      this.#flushing = undefined
      this.flush()
    })
  }

  #run(number: number, name: string, argument: unknown): void {
    const fail = (error: unknown): void => {
      const message = reasonOf(error)
      if (number > 0) this.#post([-number, null, message])
      else this.#onFailure(error, name)
    }
    const answer = (value: unknown): void => {
      if (number > 0) this.#post([-number, value])
    }
    if (name === syncMethod) {
      answer(null)
      return
    }
    const method = this.#methods[name] as ((argument: unknown) => unknown) | undefined
    if (!method) {
      fail(new Error(`The other process has no method ${name}.`))
      return
    }
    try {
      const value = method(argument)
      if (value instanceof Promise) value.then(answer, fail)
      else answer(value)
    } catch (error) {
      fail(error)
    }
  }

  #settle(number: number, value: unknown, failure: string | undefined): void {
    const waiting = this.#waiting.get(number)
    if (!waiting) return
    this.#waiting.delete(number)
    if (failure === undefined) waiting.resolve(value)
    else waiting.reject(new Error(failure))
  }
}
