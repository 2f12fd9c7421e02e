import type { ServerResponse } from 'node:http'
import type { Clock, StopTimer } from '../../lib/clock.ts'
import { asBuffer, nextSlice } from '../../lib/buffers.ts'
import { failureReply } from '../../pipeline/reply-headers.ts'
import type { Exchange } from '../../pipeline/exchange.ts'
import { resetHead, resetNow, transportOf } from '../node-internals.ts'
import { LiveWriter } from './live-writer.ts'
import { sanitizeHead, type OnInvalidHead } from './sanitize-head.ts'
import {
  DueEvents,
  isFinalStatus,
  PartWriter,
  batchWrite,
  sendInOneWrite,
  sendStreamInOneWrite,
  setBodyLength,
  splitAtFraction,
} from './parts.ts'
import { pushedFrom } from '../../answer/pushed-chunks.ts'
import { type LiveBody, piecesOf, renderWhole, type WholeBody, wireEncoding } from '../../answer/body.ts'
import { type Interruption, type Reply, ReportedFailure } from '../../pipeline/reply.ts'

/**
 * Time between the last bytes and the cut of a connection, in milliseconds. A reset discards unsent bytes, and libuv reports a
 * reset that it reads together with data as an orderly end.
 */
const FLUSH_BEFORE_CUT_MS = 20

/**
 * Writes the reply of one exchange to a socket when it is due. Bytes go directly to the response of Node: Web streams would
 * halve the requests per second and cost a fifth of the events.
 */
export class NodeSender {
  readonly #exchange: Exchange
  readonly #outgoing: ServerResponse
  readonly #onFailure: (error: unknown) => void
  readonly #onInvalidHead: OnInvalidHead
  readonly #clock: Clock
  readonly #startedMs: number
  readonly #parts: PartWriter
  #firstByteMs: number | undefined
  #stopTimer: StopTimer | undefined
  /** Whether a simulated fault cut the connection before the answer was complete. */
  #isCut = false
  /** Copy of `exchange.ended`: fields that are read for each token are close together in memory. */
  #ended: boolean
  /** Rendered events that are not written yet. */
  #text = ''

  /**
   * Ends the exchange when the response is complete or the client disconnects.
   *
   * @param onFailure called when a body cannot be rendered; the client gets a 500 for a whole body, and a cut connection
   * for a stream
   * @param onInvalidHead called when a head could not be sent unchanged
   */
  constructor(
    exchange: Exchange,
    outgoing: ServerResponse,
    onFailure: (error: unknown) => void,
    onInvalidHead: OnInvalidHead = () => {},
  ) {
    this.#exchange = exchange
    this.#outgoing = outgoing
    this.#onFailure = onFailure
    this.#onInvalidHead = onInvalidHead
    this.#ended = exchange.ended
    this.#clock = exchange.clock
    this.#startedMs = exchange.startedMs
    this.#parts = new PartWriter(outgoing)
    // Node emits `close` when the response is finished or the connection breaks.
    outgoing.once('close', () => {
      this.#ended = true
      this.#stopTimer?.()
      exchange.end({
        aborted: !outgoing.writableFinished && !this.#isCut,
        firstByteMs: this.#firstByteMs,
        endMs: this.#elapsedMs(),
      })
    })
  }

  /** Sends the reply when it is due. */
  send(reply: Reply): void {
    if (this.#ended) return
    const { body, schedule, interruption } = reply
    if (interruption?.at === 'head') {
      const dueMs =
        body.kind === 'events' ? new DueEvents(this.#exchange, body, schedule).nextDueMs : schedule?.endMs
      this.#when(
        dueMs ?? 0,
        this.#guarded(() => this.#cutBeforeHead()),
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
      this.#sendLive(reply, body)
      return
    }
    const events = new DueEvents(this.#exchange, body, schedule)
    // All events of a stream share two tasks: the cost of a paced stream is the cost of its wake-ups.
    const write = this.#guarded(() => this.#writeEvents(events, take))
    const take: () => void = this.#guarded(() => this.#takeEvents(reply, events, write))
    if (schedule?.headMs === undefined) this.#when(events.nextDueMs, take)
    else this.#sendHeadFirst(reply, schedule.headMs, events, take)
  }

  /** Sends the headers before the first event is due. */
  #sendHeadFirst(reply: Reply, headMs: number, events: DueEvents, take: () => void): void {
    const sendHead = this.#guarded(() => {
      // In one write with events that are due as well.
      if (events.nextDueMs > this.#elapsedMs()) {
        this.#writeHead(reply, undefined)
        this.#outgoing.flushHeaders()
      }
      this.#when(events.nextDueMs, take)
    })
    this.#when(headMs, sendHead)
  }

  /** Runs `task` at `dueMs` after the start of the request, or synchronously if that time has passed. */
  #when(dueMs: number, task: () => void): void {
    if (dueMs <= 0 || dueMs <= this.#elapsedMs()) task()
    else this.#later(dueMs, task)
  }

  #later(dueMs: number, task: () => void): void {
    // Wait until the client disconnects. A timer that never fires would never be freed.
    if (dueMs === Infinity) return
    this.#stopTimer = this.#clock.at(this.#startedMs + dueMs, task)
  }

  /** Wraps a task that runs from a timer, where an exception would end the process. */
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

  /** Sends a 500, or cuts the connection if the answer has started. */
  #sendFailure(): void {
    try {
      if (this.#outgoing.headersSent) throw new Error('The answer has started.')
      const reply = failureReply(this.#exchange)
      const { recorder } = this.#exchange
      recorder?.sending(reply)
      const { content, length } = renderWhole(reply.body)
      recorder?.wrote(Buffer.from(content), undefined)
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
    const text = reply.interruption ? undefined : latin1Of(content, length)
    if (text !== undefined) {
      setBodyLength(this.#exchange, reply, length)
      if (sendInOneWrite(this.#outgoing, reply, text)) return
    }
    this.#writeHead(reply, length)
    if (reply.interruption)
      this.#sendInterrupted(Buffer.from(content), reply.interruption, reply.schedule?.endMs)
    else if (typeof content === 'string') this.#outgoing.end(content, wireEncoding(content, length))
    else this.#outgoing.end(content)
  }

  /** Renders a large body in slices, so that other requests can run. It is buffered as a whole, because its length is sent first. */
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

  #sendInterrupted(content: Buffer, { at, how }: Interruption, dueMs: number | undefined): void {
    const [first, rest] = splitAtFraction(content, at)
    const { recorder } = this.#exchange
    recorder?.wrote(first, dueMs)
    if (typeof how !== 'number') {
      this.#outgoing.write(first, () => this.#cutSoon(how))
      return
    }
    this.#outgoing.write(first)
    const restMs = this.#elapsedMs() + how
    this.#later(
      restMs,
      this.#guarded(() => {
        recorder?.wrote(rest, restMs)
        this.#outgoing.end(rest)
      }),
    )
  }

  /** Passes on chunks as they arrive, no faster than the client reads. */
  #sendLive(reply: Reply, body: LiveBody): void {
    const outgoing = this.#outgoing
    const fail = (error: unknown): void => {
      if (!this.#ended && !(error instanceof ReportedFailure)) this.#onFailure(error)
      // The client must not mistake the part it has for the whole.
      this.#cut('close')
    }
    try {
      this.#writeHead(reply, undefined)
    } catch (error) {
      fail(error)
      return
    }
    const writer = new LiveWriter(outgoing, () => flow.resume())
    const flow = pushedFrom(body.chunks).pipe({
      write: (chunk) => {
        if (this.#ended || chunk.byteLength === 0) return true
        this.#firstByteMs ??= this.#elapsedMs()
        return writer.write(chunk)
      },
      end: () => {
        if (!this.#ended) writer.end()
      },
      fail: (error) => {
        writer.flush()
        fail(error)
      },
    })
    // A closed connection emits no more events.
    if (outgoing.destroyed) flow.cancel()
    else outgoing.once('close', () => flow.cancel())
  }

  #cutBeforeHead(): void {
    const { socket } = this.#outgoing
    // The last bytes of a handshake can be on their way.
    if (socket && transportOf(socket) !== socket) this.#cutSoon('reset')
    else this.#cut('reset')
  }

  /** Cuts the connection after written bytes had time to arrive. */
  #cutSoon(how: Interruption['how']): void {
    this.#later(
      this.#elapsedMs() + FLUSH_BEFORE_CUT_MS,
      this.#guarded(() => this.#cut(how)),
    )
  }

  #cut(how: Interruption['how']): void {
    this.#isCut = true
    const { socket } = this.#outgoing
    // A pipelined response has no socket before the responses in front of it are sent.
    if (!socket) this.#outgoing.destroy()
    else if (how === 'close') socket.destroySoon()
    else resetNow(socket)
  }

  #takeEvents(reply: Reply, events: DueEvents, write: () => void): void {
    const text = events.take(this.#elapsedMs())
    this.#markFirstByte()
    if (!this.#outgoing.headersSent) {
      if (
        events.done &&
        !reply.interruption &&
        sendStreamInOneWrite(this.#outgoing, reply, text, events.isAscii)
      )
        return
      this.#writeHead(reply, undefined)
    }
    if (events.done && reply.interruption) {
      const { how } = reply.interruption
      this.#outgoing.write(text, () => this.#cutSoon(how))
    } else if (events.done) this.#outgoing.end(text)
    else {
      this.#text = text
      batchWrite(write)
    }
  }

  #writeEvents(events: DueEvents, take: () => void): void {
    // Never in the same tick: tokens that are due faster than they are written would cause unbounded recursion.
    const canContinue = this.#parts.write(this.#text, events.isAscii, () => this.#resume(events, take))
    if (canContinue) this.#later(events.nextDueMs, take)
  }

  /** Continues after a stall. Nothing is rendered during a stall, so that it uses no memory beyond the buffer of the socket. */
  #resume(events: DueEvents, take: () => void): void {
    if (this.#ended) return
    events.excuseUntil(this.#elapsedMs())
    this.#later(events.nextDueMs, take)
  }

  #writeHead(reply: Reply, length: number | undefined): void {
    const { headers } = reply
    // HTTP/1.0 has no chunks, and keeps a connection open only if a header says so.
    if (this.#outgoing.req.httpVersionMinor !== 1) headers.delete('Transfer-Encoding')
    // For HTTP/1.1 the service sends no Connection header.
    else this.#outgoing.removeHeader('connection')
    if (length !== undefined) setBodyLength(this.#exchange, reply, length)
    try {
      if (!isFinalStatus(reply.status)) throw new RangeError('The status is not final.')
      this.#writeNodeHead(reply)
    } catch {
      this.#onInvalidHead(this.#exchange, sanitizeHead(reply))
      resetHead(this.#outgoing)
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

/** Longer bytes are not copied to a text. */
const MAX_COPIED_BYTES = 64 * 1024

/** A body as a text with one character for each byte; undefined if that takes too long. */
function latin1Of(content: string | Uint8Array, length: number): string | undefined {
  if (typeof content === 'string') return wireEncoding(content, length) === 'latin1' ? content : undefined
  return length <= MAX_COPIED_BYTES ? asBuffer(content).toString('latin1') : undefined
}

/** Resolves when the write buffer is drained, or the client has disconnected. */
function waitForDrain(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      outgoing.off('drain', done)
      outgoing.off('close', done)
      resolve()
    }
    outgoing.on('drain', done)
    outgoing.on('close', done)
    // A closed connection emits no more events, and may have emitted `close` before.
    if (outgoing.destroyed) done()
  })
}
