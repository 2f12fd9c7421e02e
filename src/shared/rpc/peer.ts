import { reasonOf } from '../../lib/error-text.ts'

/** Functions that one process offers to another. Each has one argument. Arguments and results must be serializable as JSON. */
export type Methods = Readonly<Record<string, (argument: never) => unknown>>

/** Connection to the other process. Messages arrive complete and in order, or not at all. */
export interface Channel {
  send(message: unknown): void
}

/** A call (number above 0), a notification (0), or an answer (negated number of its call). */
type Frame =
  | readonly [number: number, method: string, argument: unknown]
  | readonly [answered: number, value: unknown, failure?: string]

/** Built-in method. Its answer arrives after all earlier messages of the other side. */
const syncMethod = ''

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/**
 * One end of a connection between two processes. All calls, notifications and answers of one event-loop iteration are sent in one
 * message, because a message costs ten times as much as a call in it.
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
   * @param onFailure is called if the method of a notification fails
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

  /** Calls a method of the other side. Rejects if the method fails or the connection is closed before the answer. */
  request(method: string, argument: unknown): Promise<unknown> {
    if (this.#closed) return Promise.reject(this.#closed)
    return new Promise((resolve, reject) => {
      const number = ++this.#lastNumber
      this.#waiting.set(number, { resolve, reject })
      this.#post([number, method, argument])
    })
  }

  /** Sends a notification, in order with earlier calls and notifications. */
  notify(method: string, argument: unknown): void {
    if (!this.#closed) this.#post([0, method, argument])
  }

  /** Resolves when everything that the other side has sent by now has arrived. Rejects if the connection is closed before. */
  async sync(): Promise<void> {
    await this.request(syncMethod, null)
  }

  /** Processes a message of the other side. */
  receive(message: unknown): void {
    for (const frame of message as Frame[]) {
      if (frame[0] < 0) this.#settle(-frame[0], frame[1], frame[2] as string | undefined)
      else this.#run(frame[0], frame[1] as string, frame[2])
    }
    // Send answers without waiting for the end of the iteration. Most of them are known by now.
    this.flush()
  }

  /** Sends all queued frames. */
  flush(): void {
    if (this.#outbox.length === 0 || this.#closed) return
    const frames = this.#outbox
    this.#outbox = []
    this.#channel.send(frames)
  }

  /** Closes the connection. Nothing more is sent, and pending calls are rejected. */
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
