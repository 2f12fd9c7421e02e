import type { ServerResponse } from 'node:http'
import type { StopTimer } from '../platform/clock.ts'
import type { Exchange } from './exchange.ts'
import { eventDueMs, type EventsBody, type Reply, type WholeBody } from './reply.ts'

/**
 * Writes the reply of one exchange to a socket when it is due. Web streams would cost most of the core (half of the
 * requests a second, a fifth of the events), so the bytes go straight to Node's own response.
 */
export class NodeSender {
  readonly #exchange: Exchange
  readonly #outgoing: ServerResponse
  readonly #onFailure: (error: unknown) => void
  #firstByteMs: number | undefined
  #nextEvent = 0
  #stopTimer: StopTimer | undefined

  /**
   * From here on the exchange hears when the client leaves.
   *
   * @param onFailure hears of a body that could not be rendered; the connection is then cut
   */
  constructor(exchange: Exchange, outgoing: ServerResponse, onFailure: (error: unknown) => void) {
    this.#exchange = exchange
    this.#outgoing = outgoing
    this.#onFailure = onFailure
    // Node closes a response when it is finished or its connection breaks.
    outgoing.once('close', () => {
      this.#stopTimer?.()
      exchange.end({
        aborted: !outgoing.writableFinished,
        firstByteMs: this.#firstByteMs,
        endMs: this.#elapsedMs(),
      })
    })
  }

  /** Sends the reply, when it is due. */
  send(reply: Reply): void {
    if (this.#exchange.ended) return
    const { body, schedule } = reply
    if (body.kind === 'events') this.#when(eventDueMs(body, 0, schedule), () => this.#sendEvents(reply, body))
    else this.#when(schedule?.endMs ?? 0, () => this.#sendWhole(reply, body))
  }

  /** Runs `task` at a time counted from the start of the request; at once, when that is past. */
  #when(dueMs: number, task: () => void): void {
    const { clock, startedMs } = this.#exchange
    const guarded = (): void => this.#guard(task)
    if (dueMs <= 0 || startedMs + dueMs <= clock.nowMs()) guarded()
    else this.#stopTimer = clock.at(startedMs + dueMs, guarded)
  }

  /** A task runs from a timer, where a throw would end the process. */
  #guard(task: () => void): void {
    if (this.#exchange.ended) return
    try {
      task()
    } catch (error) {
      this.#onFailure(error)
      this.#outgoing.destroy()
    }
  }

  #sendWhole(reply: Reply, body: WholeBody): void {
    const content = body.render()
    const length = typeof content === 'string' ? Buffer.byteLength(content) : content.byteLength
    this.#writeHead(reply, length)
    this.#markFirstByte()
    if (typeof content === 'string') this.#outgoing.end(content, wireEncoding(content, length))
    else this.#outgoing.end(content)
  }

  #sendEvents(reply: Reply, body: EventsBody): void {
    const elapsedMs = this.#elapsedMs()
    let text = ''
    let dueMs = 0
    while (this.#nextEvent < body.count) {
      dueMs = eventDueMs(body, this.#nextEvent, reply.schedule)
      if (dueMs > elapsedMs) break
      text += body.render(this.#nextEvent++)
    }
    if (!this.#outgoing.headersSent) this.#writeHead(reply, undefined)
    this.#markFirstByte()
    if (this.#nextEvent === body.count) {
      this.#outgoing.end(text)
      return
    }
    const again = (): void => this.#sendEvents(reply, body)
    if (text === '' || this.#outgoing.write(text)) this.#when(dueMs, again)
    // A reader that stalls gets nothing rendered for it, so it holds no memory beyond the socket's own buffer.
    else this.#outgoing.once('drain', () => this.#guard(() => this.#when(dueMs, again)))
  }

  #writeHead({ status, reason, headers }: Reply, length: number | undefined): void {
    if (length !== undefined) headers.set('Content-Length', String(length))
    // The service sends no Connection header.
    this.#outgoing.removeHeader('connection')
    if (reason === undefined) this.#outgoing.writeHead(status, headers.raw)
    else this.#outgoing.writeHead(status, reason, headers.raw)
  }

  #markFirstByte(): void {
    this.#firstByteMs ??= this.#elapsedMs()
  }

  #elapsedMs(): number {
    return this.#exchange.clock.nowMs() - this.#exchange.startedMs
  }
}

/** Pure ASCII has as many bytes as characters; Node writes it a third faster as latin1 than as UTF-8. */
function wireEncoding(content: string, byteLength: number): 'latin1' | 'utf8' {
  return content.length === byteLength ? 'latin1' : 'utf8'
}
