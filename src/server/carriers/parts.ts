import type { ServerResponse } from 'node:http'
import { type EventsBody, isAsciiBody, isAsciiText, wireEncoding, type LiveBody } from '../../answer/body.ts'
import { chunkSocket, writeChunk, onlyChunk, takeHead, writePastNode } from '../node-internals.ts'
import { HeadForm, type HeadFields, isProperValue } from './head-form.ts'
import type { Reply, Schedule } from '../../pipeline/reply.ts'
import { Batch } from '../../lib/queues.ts'
import { nextTick } from '../../lib/real-timers.ts'
import type { Exchange, PacingWatch } from '../../pipeline/exchange.ts'

/**
 * Writes the parts of a chunked body. Node's own `write` makes four writes of a chunk, joined a tick later; with the frame
 * around the text in one string, a core carries a third more paced streams. The first part takes Node's way, for it brings
 * the headers.
 */
export class PartWriter {
  readonly #outgoing: ServerResponse
  /** Whether the headers have been written; `headersSent` only says that they are made. */
  #headIsOut = false

  constructor(outgoing: ServerResponse) {
    this.#outgoing = outgoing
  }

  /**
   * Writes a part.
   *
   * @param isAscii whether that is known of the text
   * @param onDrain called later, where the part had to be kept for a reader that is behind
   * @returns whether more may follow at once
   */
  write(text: string, isAscii: boolean, onDrain: () => void): boolean {
    if (text === '') return true
    const outgoing = this.#outgoing
    const socket = this.#headIsOut ? chunkSocket(outgoing) : undefined
    this.#headIsOut = true
    const length = isAscii ? text.length : Buffer.byteLength(text)
    const encoding = wireEncoding(text, length)
    const flows = socket ? writeChunk(socket, text, length, encoding) : outgoing.write(text, encoding)
    if (!flows) (socket ?? outgoing).once('drain', onDrain)
    return flows
  }
}

/** The phrases of the statuses of nearly all answers (RFC 9110, 15; RFC 6585); others go Node's way. */
const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

/** The head of an answer, up to its body. */
export interface Head {
  readonly text: string
  /** The body comes in chunks. */
  readonly isChunked: boolean
}

/** Heads that came before, by the number of their names and values. Nearly all are as those before, but for a few values. */
const forms = new Map<number, HeadForm[]>()
const MAX_LENGTHS = 64
const MAX_FORMS_PER_LENGTH = 8

/** The status line, the headers and the empty line after them; undefined where a header is missing or must not be sent. */
function headText({ status, reason = reasons[status], headers: { raw } }: Reply): Head | undefined {
  if (reason === undefined || status === 204 || status === 304) return undefined
  const known = forms.get(raw.length)
  if (known) {
    for (const form of known) {
      const text = form.fill(status, reason, raw)
      if (text !== undefined) return { text, isChunked: form.isChunked }
    }
  }
  if (!isFinalStatus(status) || !maySend(reason, raw)) return undefined
  const form = learn({ status, reason, fixed: [...raw] }, known)
  const text = form.fill(status, reason, raw)
  return text === undefined ? undefined : { text, isChunked: form.isChunked }
}

/** Keeps the form of a head, in place of one that differs in values only. */
function learn(parts: HeadFields, known: HeadForm[] | undefined): HeadForm {
  for (const [index, form] of known?.entries() ?? []) {
    const common = form.withGapsFor(parts)
    if (!known || !common) continue
    known[index] = common
    return common
  }
  const form = new HeadForm(parts)
  if (!known && forms.size < MAX_LENGTHS) forms.set(parts.fixed.length, [form])
  else if (known && known.length < MAX_FORMS_PER_LENGTH) known.push(form)
  return form
}

/** As the simulator's own replies write it; in another case, or with another coding, it goes Node's way. */
const chunkedName = 'Transfer-Encoding'

/** Those with which a head, a body or a connection ends in another way. */
const special = /^(connection|trailer|transfer-encoding|upgrade|keep-alive)$/i

const properName = /^[\w!#$%&'*+.^`|~-]+$/

/** Whether a header can have this name (RFC 9110, 5.6.2). */
export function isProperName(name: string): boolean {
  return properName.test(name)
}

/** Whether an answer can have this status: below 200 another one would have to follow. */
export function isFinalStatus(status: number): boolean {
  return Number.isInteger(status) && status >= 200 && status <= 999
}

function maySend(reason: string, raw: readonly string[]): boolean {
  let hasDate = false
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? ''
    const value = raw[index + 1] ?? ''
    if (!isProperName(name) || !isProperValue(value)) return false
    if (special.test(name) && (name !== chunkedName || value !== 'chunked')) return false
    if (name.toLowerCase() === 'date') hasDate = true
  }
  return hasDate && isProperValue(reason)
}

/** Beyond so many, the first ones would wait for the rendering of the last. */
const MAX_CONCURRENT = 64

const writes = new Batch<() => void>(nextTick, (write) => write(), MAX_CONCURRENT)

/**
 * Calls `write`, which must not throw, after all else that is ready in this go. Parts of answers that are written in a row
 * cost half as much: the first write wakes the client's process, and the system does the others while it is awake.
 */
export function writeTogether(write: () => void): void {
  writes.add(write)
}

/** Sums of times are exact to the last bit only; an event that is due by a hair is due. */
const ROUNDING_MS = 1e-6

/**
 * How much is rendered in one go: streams of a few hundred tokens leave in one write when they are not delayed, and a
 * long one that is due as a whole (its reader stalled) is not held in memory as a whole.
 */
const MAX_CHARACTERS = 256 * 1024

/** The events of one answer on their way out: what is due is rendered, and its punctuality told to the watch. */
export class DueEvents {
  readonly #pacingWatch: PacingWatch | undefined
  readonly #startedMs: number
  readonly #body: EventsBody
  readonly #count: number
  readonly #stepsMs: Float64Array | undefined
  readonly #endMs: number
  #next = 0
  /** The step of the next event, and when that is due; asked for once, since each open stream is elsewhere in memory. */
  #step: number
  #dueMs: number
  #lastStep = -1
  #heldUpUntilMs = 0
  /** Whether what is taken is known to be ASCII. */
  readonly isAscii: boolean

  constructor(exchange: Exchange, body: EventsBody, schedule: Schedule | undefined) {
    this.#pacingWatch = exchange.pacingWatch
    this.#startedMs = exchange.startedMs
    this.#body = body
    this.#count = body.count
    this.isAscii = isAsciiBody(body)
    this.#stepsMs = schedule?.stepsMs
    this.#endMs = schedule?.endMs ?? 0
    this.#step = this.#count > 0 ? body.stepOf(0) : 0
    this.#dueMs = this.#dueMsOf(this.#step)
  }

  /** Whether every event has been taken. */
  get done(): boolean {
    return this.#next === this.#count
  }

  /** When the next event is due, in milliseconds from the start of the request; 0 without a schedule. */
  get nextDueMs(): number {
    return this.done ? 0 : this.#dueMs
  }

  /** Renders what is due at a time from the start of the request, as one text; of very much only a part. */
  take(elapsedMs: number): string {
    let text = ''
    while (this.#next < this.#count && text.length < MAX_CHARACTERS) {
      if (this.#dueMs > elapsedMs + ROUNDING_MS) break
      if (this.#step !== this.#lastStep) this.#tell(elapsedMs)
      text += this.#body.render(this.#next++)
      if (this.#next === this.#count) break
      this.#step = this.#body.stepOf(this.#next)
      this.#dueMs = this.#dueMsOf(this.#step)
    }
    return text
  }

  /** What was due while the reader did not read is late by the reader's doing, and is not told as late. */
  heldUpUntil(elapsedMs: number): void {
    this.#heldUpUntilMs = elapsedMs
  }

  #dueMsOf(step: number): number {
    return this.#stepsMs === undefined ? 0 : (this.#stepsMs[step] ?? this.#endMs)
  }

  /** Several events of one step are one token: those of several choices, or an end with the token before it. */
  #tell(elapsedMs: number): void {
    const isFirst = this.#lastStep < 0
    this.#lastStep = this.#step
    if (this.#stepsMs === undefined || this.#dueMs < this.#heldUpUntilMs) return
    const lateMs = Math.max(0, elapsedMs - this.#dueMs)
    this.#pacingWatch?.sent(isFirst ? 'first-token' : 'token', lateMs, this.#startedMs + elapsedMs)
  }
}

/** Longer answers go Node's way, which hears when the reader has taken them. */
const MAX_BYTES = 64 * 1024

/**
 * Sends head and body of a complete answer as one string. Node would check every header name, collect two writes and
 * join them again, which costs a fifth of a whole request.
 *
 * @param content the body, all ASCII; it gets its frame here where the headers say that it is chunked
 * @returns false, with nothing done, where Node's own way is needed: for old or last requests of a connection, one whose
 * turn has not come, a reader that is behind, and headers that Node would add to or refuse
 */
export function sendAtOnce(outgoing: ServerResponse, reply: Reply, content: string): boolean {
  const { socket, req } = outgoing
  if (!socket?.writable || socket.writableLength > 0 || content.length > MAX_BYTES) return false
  if (!outgoing.shouldKeepAlive || req.httpVersionMinor !== 1 || req.method === 'HEAD') return false
  if (outgoing.headersSent) return false
  const head = headText(reply)
  if (head === undefined || !takeHead(outgoing, head.text)) return false
  const text = head.text + (head.isChunked ? onlyChunk(content) : content)
  writeTogether(() => writePastNode(outgoing, text))
  return true
}

/**
 * Sends a stream that is due as a whole as one chunk; `text` holds all its events. As for the rest, see `sendAtOnce`.
 *
 * @param isAscii whether that is known of the text; it is looked for where it is not
 */
export function sendStreamAtOnce(
  outgoing: ServerResponse,
  reply: Reply,
  text: string,
  isAscii = false,
): boolean {
  // Without that header it is Node who says that the body comes in chunks.
  const isChunked = reply.headers.get('Transfer-Encoding') === 'chunked'
  return isChunked && (isAscii || isAsciiText(text)) && sendAtOnce(outgoing, reply, text)
}

/**
 * Parts the bytes of a body that is interrupted: there is always something left to come, and something to begin with
 * where the body has two bytes.
 */
export function splitAtFraction(content: Buffer, share: number | 'head'): [first: Buffer, rest: Buffer] {
  const wanted = share === 'head' ? 0 : Math.floor(content.length * share)
  const at = Math.max(0, Math.min(content.length - 1, Math.max(1, wanted)))
  return [content.subarray(0, at), content.subarray(at)]
}

/** The chunks of a live body until its end, or until the client leaves; empty ones, which would end a chunked body, are left out. */
export async function* liveChunks(
  exchange: Exchange,
  { chunks }: LiveBody,
): AsyncGenerator<Uint8Array, undefined> {
  for await (const chunk of chunks) {
    if (exchange.ended) return
    if (chunk.byteLength > 0) yield chunk
  }
}
