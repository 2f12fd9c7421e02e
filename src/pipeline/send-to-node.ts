import type { ServerResponse } from 'node:http'
import type { StopTimer } from '../platform/clock.ts'
import type { Exchange } from './exchange.ts'
import { eventDueMs, type EventsBody, type Reply, type WholeBody } from './reply.ts'

/**
 * Writes a reply to a socket when it is due. Web streams would cost most of the core (half of the requests a
 * second, a fifth of the events), so the bytes go straight to Node's own response.
 *
 * @param onFailure hears of a body that could not be rendered; the connection is then cut
 */
export function sendToNode(
  exchange: Exchange,
  reply: Reply,
  outgoing: ServerResponse,
  onFailure: (error: unknown) => void,
): void {
  const sender = new NodeSender(exchange, reply, outgoing, onFailure)
  sender.start()
}

class NodeSender {
  readonly #exchange: Exchange
  readonly #reply: Reply
  readonly #outgoing: ServerResponse
  readonly #onFailure: (error: unknown) => void
  #firstByteMs: number | undefined
  #nextEvent = 0
  #stopTimer: StopTimer | undefined

  constructor(
    exchange: Exchange,
    reply: Reply,
    outgoing: ServerResponse,
    onFailure: (error: unknown) => void,
  ) {
    this.#exchange = exchange
    this.#reply = reply
    this.#outgoing = outgoing
    this.#onFailure = onFailure
  }

  start(): void {
    this.#outgoing.once('close', () => this.#end(!this.#outgoing.writableFinished))
    this.#outgoing.once('finish', () => this.#end(false))
    this.#exchange.onEnd(() => this.#stopTimer?.())
    const { body, schedule } = this.#reply
    if (body.kind === 'events') this.#when(eventDueMs(body, 0, schedule), () => this.#sendEvents(body))
    else this.#when(schedule?.endMs ?? 0, () => this.#sendWhole(body))
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

  #sendWhole(body: WholeBody): void {
    const content = body.render()
    const length = typeof content === 'string' ? Buffer.byteLength(content) : content.byteLength
    this.#writeHead(length)
    this.#markFirstByte()
    if (typeof content === 'string') this.#outgoing.end(content, wireEncoding(content, length))
    else this.#outgoing.end(content)
  }

  #sendEvents(body: EventsBody): void {
    const elapsedMs = this.#elapsedMs()
    let text = ''
    let dueMs = 0
    while (this.#nextEvent < body.count) {
      dueMs = eventDueMs(body, this.#nextEvent, this.#reply.schedule)
      if (dueMs > elapsedMs) break
      text += body.render(this.#nextEvent++)
    }
    if (!this.#outgoing.headersSent) this.#writeHead(undefined)
    this.#markFirstByte()
    if (this.#nextEvent === body.count) {
      this.#outgoing.end(text)
      return
    }
    const again = (): void => this.#sendEvents(body)
    if (text === '' || this.#outgoing.write(text)) this.#when(dueMs, again)
    // A reader that stalls gets nothing rendered for it, so it holds no memory beyond the socket's own buffer.
    else this.#outgoing.once('drain', () => this.#guard(() => this.#when(dueMs, again)))
  }

  #writeHead(length: number | undefined): void {
    const { status, reason, headers } = this.#reply
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

  #end(aborted: boolean): void {
    this.#exchange.end({ aborted, firstByteMs: this.#firstByteMs, endMs: this.#elapsedMs() })
  }
}

/** Pure ASCII has as many bytes as characters; Node writes it a third faster as latin1 than as UTF-8. */
function wireEncoding(content: string, byteLength: number): 'latin1' | 'utf8' {
  return content.length === byteLength ? 'latin1' : 'utf8'
}
