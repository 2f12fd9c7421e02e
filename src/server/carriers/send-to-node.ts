import type { ServerResponse } from 'node:http'
import type { Clock, StopTimer } from '../../lib/clock.ts'
import { nextSlice } from '../../lib/buffers.ts'
import { failureReply } from '../../pipeline/reply-headers.ts'
import type { Exchange } from '../../pipeline/exchange.ts'
import { forgetHead, resetNow } from '../node-internals.ts'
import { mendHead, type OnMendedHead } from './mend-head.ts'
import {
  DueEvents,
  isFinalStatus,
  PartWriter,
  writeTogether,
  sendAtOnce,
  sendStreamAtOnce,
  splitAtFraction,
  liveChunks,
} from './parts.ts'
import { type LiveBody, piecesOf, renderWhole, type WholeBody, wireEncoding } from '../../answer/body.ts'
import { type Interruption, type Reply, ReportedFailure } from '../../pipeline/reply.ts'

/**
 * How long a connection that is broken off waits after its last bytes, in milliseconds. A reset throws away what has
 * not been sent yet, and what libuv reads together with one it takes for an orderly end.
 */
const SETTLE_MS = 20

/**
 * Writes the reply of one exchange to a socket when it is due. Web streams would cost most of the core (half of the
 * requests a second, a fifth of the events), so the bytes go straight to Node's own response.
 */
export class NodeSender {
  readonly #exchange: Exchange
  readonly #outgoing: ServerResponse
  readonly #onFailure: (error: unknown) => void
  readonly #onMendedHead: OnMendedHead
  readonly #clock: Clock
  readonly #startedMs: number
  readonly #parts: PartWriter
  #firstByteMs: number | undefined
  #stopTimer: StopTimer | undefined
  /** Whether it is this side that ended the connection before the answer was complete, as the reply asked for. */
  #brokenOff = false
  /** As the exchange's own; what an open stream looks at for each token lies close together. */
  #ended: boolean
  /** Events that are rendered and not written yet. */
  #text = ''

  /**
   * From here on the exchange hears when the client leaves.
   *
   * @param onFailure hears of a body that could not be rendered; the client gets a 500 for a whole body, and a cut
   * connection for a stream
   * @param onMendedHead hears of a head that could not be sent as it was
   */
  constructor(
    exchange: Exchange,
    outgoing: ServerResponse,
    onFailure: (error: unknown) => void,
    onMendedHead: OnMendedHead = () => {},
  ) {
    this.#exchange = exchange
    this.#outgoing = outgoing
    this.#onFailure = onFailure
    this.#onMendedHead = onMendedHead
    this.#ended = exchange.ended
    this.#clock = exchange.clock
    this.#startedMs = exchange.startedMs
    this.#parts = new PartWriter(outgoing)
    // Node closes a response when it is finished or its connection breaks.
    outgoing.once('close', () => {
      this.#ended = true
      this.#stopTimer?.()
      exchange.end({
        aborted: !outgoing.writableFinished && !this.#brokenOff,
        firstByteMs: this.#firstByteMs,
        endMs: this.#elapsedMs(),
      })
    })
  }

  /** Sends the reply, when it is due. */
  send(reply: Reply): void {
    if (this.#ended) return
    const { body, schedule, interruption } = reply
    if (interruption?.at === 'head') {
      const dueMs =
        body.kind === 'events' ? new DueEvents(this.#exchange, body, schedule).nextDueMs : schedule?.endMs
      this.#when(
        dueMs ?? 0,
        this.#guarded(() => this.#breakOff('reset')),
      )
      return
    }
    if (body.kind === 'whole') {
      const task = this.#guarded(
        () => this.#sendWhole(reply, body),
        () => this.#sendFailure(),
      )
      this.#when(schedule?.endMs ?? 0, task)
      return
    }
    if (body.kind === 'live') {
      void this.#sendLive(reply, body)
      return
    }
    const events = new DueEvents(this.#exchange, body, schedule)
    // The same two tasks for all events of a stream: what paced streams cost is what their wake-ups cost.
    const write = this.#guarded(() => this.#writeEvents(events, take))
    const take: () => void = this.#guarded(() => this.#takeEvents(reply, events, write))
    this.#when(events.nextDueMs, take)
  }

  /** Runs `task` at a time counted from the start of the request; at once, when that is past. */
  #when(dueMs: number, task: () => void): void {
    if (dueMs <= 0 || dueMs <= this.#elapsedMs()) task()
    else this.#later(dueMs, task)
  }

  #later(dueMs: number, task: () => void): void {
    // For ever: until the client leaves. A timer that never comes would be kept for ever, too.
    if (dueMs === Infinity) return
    this.#stopTimer = this.#clock.at(this.#startedMs + dueMs, task)
  }

  /** A task runs from a timer, where a throw would end the process. */
  #guarded(task: () => void, onThrow: () => void = () => this.#outgoing.destroy()): () => void {
    return () => {
      if (this.#ended) return
      try {
        task()
      } catch (error) {
        this.#onFailure(error)
        onThrow()
      }
    }
  }

  /** Tells the client of a failure, where its answer has not begun. */
  #sendFailure(): void {
    try {
      if (this.#outgoing.headersSent) throw new Error('The answer has begun.')
      const reply = failureReply(this.#exchange)
      const { content, length } = renderWhole(reply.body)
      this.#writeHead(reply, length)
      this.#outgoing.end(content)
    } catch {
      this.#outgoing.destroy()
    }
  }

  #sendWhole(reply: Reply, body: WholeBody): void {
    const { pacingWatch, startedMs } = this.#exchange
    const elapsedMs = this.#elapsedMs()
    if (reply.schedule) {
      const lateMs = Math.max(0, elapsedMs - reply.schedule.endMs)
      pacingWatch?.sent('answer', lateMs, startedMs + elapsedMs)
    }
    const pieces = body.pieces && !reply.interruption ? piecesOf(body) : undefined
    if (pieces) {
      void this.#sendPieces(reply, pieces)
      return
    }
    const { content, length } = renderWhole(body)
    this.#markFirstByte()
    if (!reply.interruption && typeof content === 'string' && wireEncoding(content, length) === 'latin1') {
      reply.headers.setContentLength(length)
      if (sendAtOnce(this.#outgoing, reply, content)) return
    }
    this.#writeHead(reply, length)
    if (reply.interruption) this.#sendInterrupted(Buffer.from(content), reply.interruption)
    else if (typeof content === 'string') this.#outgoing.end(content, wireEncoding(content, length))
    else this.#outgoing.end(content)
  }

  /** Renders a large body with others in between. Its length is told before its first byte, so it is held as a whole. */
  async #sendPieces(reply: Reply, pieces: Iterable<string>): Promise<void> {
    const outgoing = this.#outgoing
    try {
      const parts: Buffer[] = []
      let length = 0
      for (const piece of pieces) {
        const part = Buffer.from(piece)
        parts.push(part)
        length += part.length
        await nextSlice()
        if (this.#ended) return
      }
      this.#markFirstByte()
      this.#writeHead(reply, length)
      for (let part = parts.shift(); part && !this.#ended; part = parts.shift()) {
        if (!outgoing.write(part)) await waitForDrain(outgoing)
      }
      if (!this.#ended) outgoing.end()
    } catch (error) {
      this.#onFailure(error)
      outgoing.destroy()
    }
  }

  #sendInterrupted(content: Buffer, { at, how }: Interruption): void {
    const [first, rest] = splitAtFraction(content, at)
    if (typeof how !== 'number') {
      this.#outgoing.write(first, () => this.#breakOffSoon(how))
      return
    }
    this.#outgoing.write(first)
    this.#later(
      this.#elapsedMs() + how,
      this.#guarded(() => this.#outgoing.end(rest)),
    )
  }

  /** Passes on what comes, no faster than the client reads. */
  async #sendLive(reply: Reply, body: LiveBody): Promise<void> {
    const outgoing = this.#outgoing
    try {
      this.#writeHead(reply, undefined)
      outgoing.flushHeaders()
      for await (const chunk of liveChunks(this.#exchange, body)) {
        this.#markFirstByte()
        if (!outgoing.write(chunk)) await waitForDrain(outgoing)
      }
      if (!this.#ended) outgoing.end()
    } catch (error) {
      if (!this.#ended && !(error instanceof ReportedFailure)) this.#onFailure(error)
      // A client must not take what it has for the whole.
      this.#breakOff('close')
    }
  }

  /** Breaks off once what was written has had time to arrive. */
  #breakOffSoon(how: Interruption['how']): void {
    this.#later(
      this.#elapsedMs() + SETTLE_MS,
      this.#guarded(() => this.#breakOff(how)),
    )
  }

  #breakOff(how: Interruption['how']): void {
    this.#brokenOff = true
    const { socket } = this.#outgoing
    // Without a socket it is not this answer's turn yet on its connection.
    if (!socket) this.#outgoing.destroy()
    else if (how === 'close') socket.destroySoon()
    else resetNow(socket)
  }

  #takeEvents(reply: Reply, events: DueEvents, write: () => void): void {
    const text = events.take(this.#elapsedMs())
    this.#markFirstByte()
    if (!this.#outgoing.headersSent) {
      if (events.done && !reply.interruption && sendStreamAtOnce(this.#outgoing, reply, text, events.isAscii))
        return
      this.#writeHead(reply, undefined)
    }
    if (events.done && reply.interruption) {
      const { how } = reply.interruption
      this.#outgoing.write(text, () => this.#breakOffSoon(how))
    } else if (events.done) this.#outgoing.end(text)
    else {
      this.#text = text
      writeTogether(write)
    }
  }

  #writeEvents(events: DueEvents, take: () => void): void {
    // Never in the same go: tokens that follow faster than they are written would be calls within calls without end.
    const flows = this.#parts.write(this.#text, events.isAscii, () => this.#resume(events, take))
    if (flows) this.#later(events.nextDueMs, take)
  }

  /** A reader that stalls gets nothing rendered for it, so it holds no memory beyond the socket's own buffer. */
  #resume(events: DueEvents, take: () => void): void {
    if (this.#ended) return
    events.heldUpUntil(this.#elapsedMs())
    this.#later(events.nextDueMs, take)
  }

  #writeHead(reply: Reply, length: number | undefined): void {
    const { headers } = reply
    // A client of HTTP/1.0 knows no chunks, and takes a connection that is to stay open only if a header says so.
    if (this.#outgoing.req.httpVersionMinor !== 1) headers.delete('Transfer-Encoding')
    // To others the service sends no Connection header.
    else this.#outgoing.removeHeader('connection')
    if (length !== undefined) headers.setContentLength(length)
    try {
      if (!isFinalStatus(reply.status)) throw new RangeError('The status is not a final one.')
      this.#writeNodeHead(reply)
    } catch {
      this.#onMendedHead(this.#exchange, mendHead(reply))
      forgetHead(this.#outgoing)
      this.#writeNodeHead(reply)
    }
  }

  #writeNodeHead({ status, reason, headers }: Reply): void {
    if (reason === undefined) this.#outgoing.writeHead(status, headers.raw)
    else this.#outgoing.writeHead(status, reason, headers.raw)
  }

  #markFirstByte(): void {
    this.#firstByteMs ??= this.#elapsedMs()
  }

  #elapsedMs(): number {
    return this.#clock.nowMs() - this.#startedMs
  }
}

/** Resolves when the client has taken what was written, or has left. */
function waitForDrain(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      outgoing.off('drain', done)
      outgoing.off('close', done)
      resolve()
    }
    outgoing.on('drain', done)
    outgoing.on('close', done)
    // A connection that is gone drains no more, and may have told so before.
    if (outgoing.destroyed) done()
  })
}
