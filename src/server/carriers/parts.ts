import type { ServerResponse } from 'node:http'
import { type EventsBody, isAsciiBody, isAsciiText, wireEncoding, type LiveBody } from '../../answer/body.ts'
import { chunkSocket, markHeadSent, onlyChunk, writeChunk, writeRawAnswer } from '../node-internals.ts'
import { HeadTemplate, type HeadPattern, isValidHeaderValue } from './head-template.ts'
import type { Reply, Schedule } from '../../pipeline/reply.ts'
import { hasNoBody } from '../../pipeline/stream-events.ts'
import { Batch } from '../../lib/queues.ts'
import { nextTick } from '../../lib/real-timers.ts'
import type { Exchange } from '../../pipeline/exchange.ts'
import type { PacingWatch, StreamTimes } from '../../pipeline/pacing-watch.ts'

/**
 * Writes the parts of a chunked body.
 *
 * `ServerResponse.write` makes four writes for a chunk and joins them a tick later. With the chunk frame and the text in one
 * string, a core handles a third more paced streams. The first part uses `ServerResponse.write`, which also sends the headers.
 */
export class PartWriter {
  readonly #outgoing: ServerResponse
  /** Whether the headers are written; `headersSent` only says that they are prepared. */
  #headIsWritten = false

  constructor(outgoing: ServerResponse) {
    this.#outgoing = outgoing
  }

  /**
   * Writes a part.
   *
   * @param isAscii whether the text is known to be ASCII
   * @param onDrain called later if the part is buffered because the client reads slowly
   * @returns false if the caller must wait for `onDrain` before it writes more
   */
  write(text: string, isAscii: boolean, onDrain: () => void): boolean {
    if (text === '') return true
    const outgoing = this.#outgoing
    const socket = this.#headIsWritten ? chunkSocket(outgoing) : undefined
    this.#headIsWritten = true
    const length = isAscii ? text.length : Buffer.byteLength(text)
    const encoding = wireEncoding(text, length)
    const canContinue = socket ? writeChunk(socket, text, length, encoding) : outgoing.write(text, encoding)
    if (!canContinue) (socket ?? outgoing).once('drain', onDrain)
    return canContinue
  }
}

/** Reason phrases of the common statuses (RFC 9110, 15; RFC 6585). Other answers are written by Node. */
const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

/** The head of an answer: everything before the body. */
interface Head {
  readonly text: string
  /** Whether the body is sent with chunked transfer coding. */
  readonly isChunked: boolean
}

/** Templates of earlier heads, by the number of names and values. Most heads differ from an earlier one in a few values only. */
const templates = new Map<number, HeadTemplate[]>()
const MAX_TEMPLATE_LENGTHS = 64
const MAX_TEMPLATES_PER_LENGTH = 8

/** Returns status line, headers and the empty line; undefined if Node must write the head because it adds or rejects a header. */
function headText({ status, reason = reasons[status], headers: { raw } }: Reply): Head | undefined {
  if (reason === undefined || status === 204 || status === 304) return undefined
  const known = templates.get(raw.length)
  if (known) {
    for (const template of known) {
      const text = template.fill(status, reason, raw)
      if (text !== undefined) return { text, isChunked: template.isChunked }
    }
  }
  if (!isFinalStatus(status) || !isSendable(reason, raw)) return undefined
  const template = learnTemplate({ status, reason, headers: [...raw] }, known)
  const text = template.fill(status, reason, raw)
  return text === undefined ? undefined : { text, isChunked: template.isChunked }
}

/** Stores the template of a head. It replaces a template that differs in values only. */
function learnTemplate(pattern: HeadPattern, known: HeadTemplate[] | undefined): HeadTemplate {
  for (const [index, template] of known?.entries() ?? []) {
    const common = template.merge(pattern)
    if (!known || !common) continue
    known[index] = common
    return common
  }
  const template = new HeadTemplate(pattern)
  if (!known && templates.size < MAX_TEMPLATE_LENGTHS) templates.set(pattern.headers.length, [template])
  else if (known && known.length < MAX_TEMPLATES_PER_LENGTH) known.push(template)
  return template
}

/** The spelling of the simulator's own replies. A head with another spelling or coding is written by Node. */
const chunkedName = 'Transfer-Encoding'

/** Headers that change how a head, a body or a connection ends. */
const framingHeader = /^(connection|trailer|transfer-encoding|upgrade|keep-alive)$/i

const validName = /^[\w!#$%&'*+.^`|~-]+$/

/** Returns whether a header name is valid (RFC 9110, 5.6.2). */
export function isValidHeaderName(name: string): boolean {
  return validName.test(name)
}

/** Returns whether a status can end an answer: a status below 200 must be followed by another one. */
export function isFinalStatus(status: number): boolean {
  return Number.isInteger(status) && status >= 200 && status <= 999
}

function isSendable(reason: string, raw: readonly string[]): boolean {
  let hasDate = false
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? ''
    const value = raw[index + 1] ?? ''
    if (!isValidHeaderName(name) || !isValidHeaderValue(value)) return false
    if (framingHeader.test(name) && (name !== chunkedName || value !== 'chunked')) return false
    if (name.toLowerCase() === 'date') hasDate = true
  }
  return hasDate && isValidHeaderValue(reason)
}

/** Maximum writes in one batch: with more, the first ones wait until the last are rendered. */
const MAX_BATCHED_WRITES = 64

const writes = new Batch<() => void>(nextTick, (write) => write(), MAX_BATCHED_WRITES)

/**
 * Calls `write` after all other tasks that are ready in this tick. `write` must not throw.
 *
 * Parts of answers that are written back to back cost half as much: the first write wakes the client's process, and the
 * operating system does the others while it is awake.
 */
export function batchWrite(write: () => void): void {
  writes.add(write)
}

/** Tolerance for rounding errors in sums of times: an event that is early by less is due. */
const ROUNDING_MS = 1e-6

/**
 * Maximum text that is rendered at a time. An undelayed stream of a few hundred tokens is sent in one write. A long stream
 * that is due as a whole, because its client stalled, is not completely in memory.
 */
const MAX_RENDERED_CHARACTERS = 256 * 1024

/** The events of one answer. Renders events that are due, and reports their times and their lateness to the pacing watch. */
export class DueEvents {
  readonly #pacingWatch: PacingWatch | undefined
  readonly #times: StreamTimes | undefined
  readonly #startedMs: number
  readonly #body: EventsBody
  readonly #count: number
  readonly #stepsMs: Float64Array | undefined
  readonly #endMs: number
  #next = 0
  /** Step and due time of the next event. Stored here, because reading them from the body costs a cache miss for each stream. */
  #step: number
  #dueMs: number
  #lastStep = -1
  #lastDueMs = 0
  #lastSentMs = 0
  #excusedUntilMs = 0
  /** Whether the rendered text is known to be ASCII. */
  readonly isAscii: boolean

  constructor(exchange: Exchange, body: EventsBody, schedule: Schedule | undefined) {
    this.#pacingWatch = exchange.pacingWatch
    this.#times = exchange.pacingWatch?.streamTimes?.(exchange)
    this.#startedMs = exchange.startedMs
    this.#body = body
    this.#count = body.count
    this.isAscii = isAsciiBody(body)
    this.#stepsMs = schedule?.stepsMs
    this.#endMs = schedule?.endMs ?? 0
    this.#step = this.#count > 0 ? body.stepOf(0) : 0
    this.#dueMs = this.#dueMsOf(this.#step)
  }

  /** Whether all events are rendered. */
  get done(): boolean {
    return this.#next === this.#count
  }

  /** Due time of the next event in milliseconds since the start of the request; 0 without a schedule. */
  get nextDueMs(): number {
    return this.done ? 0 : this.#dueMs
  }

  /**
   * Renders the events that are due, up to about `MAX_RENDERED_CHARACTERS`.
   *
   * @param elapsedMs milliseconds since the start of the request
   */
  take(elapsedMs: number): string {
    let text = ''
    while (this.#next < this.#count && text.length < MAX_RENDERED_CHARACTERS) {
      if (this.#dueMs > elapsedMs + ROUNDING_MS) break
      if (this.#step !== this.#lastStep) this.#reportStep(elapsedMs)
      text += this.#body.render(this.#next++)
      if (this.#next === this.#count) {
        if (this.#stepsMs === undefined) this.#times?.gaps(0, 0, this.#lastStep)
        break
      }
      this.#step = this.#body.stepOf(this.#next)
      this.#dueMs = this.#dueMsOf(this.#step)
    }
    return text
  }

  /** Excludes events that were due before `elapsedMs` from the lateness: they were late because the client did not read. */
  excuseUntil(elapsedMs: number): void {
    this.#excusedUntilMs = elapsedMs
  }

  #dueMsOf(step: number): number {
    return this.#stepsMs === undefined ? 0 : (this.#stepsMs[step] ?? this.#endMs)
  }

  /** Reports once per step. Events of several choices, or the end and the token before it, belong to the same step. */
  #reportStep(elapsedMs: number): void {
    const steps = this.#step - this.#lastStep
    const isFirst = this.#lastStep < 0
    const dueMs = this.#dueMs
    this.#lastStep = this.#step
    if (isFirst) this.#times?.firstToken(dueMs, elapsedMs)
    if (this.#stepsMs === undefined) return
    const sinceDueMs = dueMs - this.#lastDueMs
    const sinceSentMs = elapsedMs - this.#lastSentMs
    this.#lastDueMs = dueMs
    this.#lastSentMs = elapsedMs
    if (dueMs < this.#excusedUntilMs) return
    const lateMs = Math.max(0, elapsedMs - dueMs)
    this.#pacingWatch?.sent(isFirst ? 'first-token' : 'token', lateMs, this.#startedMs + elapsedMs)
    // The end of the answer can be a separate step, without a token.
    if (isFirst || this.#step >= this.#stepsMs.length) return
    // An event can have several tokens.
    if (steps === 1) this.#times?.gaps(sinceDueMs, sinceSentMs, 1)
    else this.#times?.gaps(sinceDueMs / steps, sinceSentMs / steps, steps)
  }
}

/**
 * Sets Content-Length, in bytes. The length of an answer to HEAD, or with 304, describes a body that is not sent, so a recorded one
 * stays, and none is added.
 */
export function setBodyLength({ method }: Exchange, { status, headers }: Reply, length: number): void {
  const isBodiless = length === 0 && status !== 205 && hasNoBody(method, status)
  if (!isBodiless || headers.get('content-length') === '') headers.setContentLength(length)
}

/** Longer answers are written by Node, which respects backpressure. */
const MAX_ONE_WRITE_BYTES = 64 * 1024

/**
 * Sends head and body of a complete answer as one string. Node would validate each header name and join two writes, which
 * costs a fifth of a request.
 *
 * @param content the body, one character for each byte; framed as one chunk if the headers declare chunked transfer coding
 * @returns false, without an effect, if Node must send the answer: for HTTP/1.0, HEAD and the last request of a connection, a
 * pipelined request that must wait, a client that reads slowly, and headers that Node extends or rejects
 */
export function sendInOneWrite(outgoing: ServerResponse, reply: Reply, content: string): boolean {
  const { socket, req } = outgoing
  if (!socket?.writable || socket.writableLength > 0 || content.length > MAX_ONE_WRITE_BYTES) return false
  if (!outgoing.shouldKeepAlive || req.httpVersionMinor !== 1 || req.method === 'HEAD') return false
  if (outgoing.headersSent) return false
  const head = headText(reply)
  if (head === undefined || !markHeadSent(outgoing, head.text)) return false
  const text = head.text + (head.isChunked ? onlyChunk(content) : content)
  batchWrite(() => writeRawAnswer(outgoing, text))
  return true
}

/**
 * Sends a stream that is due as a whole as one chunk. See `sendInOneWrite` for the result.
 *
 * @param text all events
 * @param isAscii whether the text is known to be ASCII; otherwise it is checked
 */
export function sendStreamInOneWrite(
  outgoing: ServerResponse,
  reply: Reply,
  text: string,
  isAscii = false,
): boolean {
  // Without the header, Node adds it.
  const isChunked = reply.headers.get('Transfer-Encoding') === 'chunked'
  return isChunked && (isAscii || isAsciiText(text)) && sendInOneWrite(outgoing, reply, text)
}

/**
 * Splits a body that is interrupted. The second part is never empty. The first part is empty only if the body has at most one
 * byte.
 */
export function splitAtFraction(content: Buffer, fraction: number | 'head'): [first: Buffer, rest: Buffer] {
  const target = fraction === 'head' ? 0 : Math.floor(content.length * fraction)
  const at = Math.max(0, Math.min(content.length - 1, Math.max(1, target)))
  return [content.subarray(0, at), content.subarray(at)]
}

/** Yields the chunks of a live body until it ends or the client disconnects. Skips empty chunks, which would end a chunked body. */
export async function* liveChunks(
  exchange: Exchange,
  { chunks }: LiveBody,
): AsyncGenerator<Uint8Array, undefined> {
  for await (const chunk of chunks) {
    if (exchange.ended) return
    if (chunk.byteLength > 0) yield chunk
  }
}
