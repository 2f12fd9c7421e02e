import type { EventsBody, LiveBody, WholeBody } from '../answer/body.ts'
import type { Steps, Usage } from '../answer/completion.ts'
import type { ServiceError, ServiceLayer } from '../wire/errors.ts'
import type { Exchange } from './exchange.ts'
import type { ServedTier } from '../wire/service-tier.ts'
import { sleep } from '../lib/waiting.ts'
import { reasonOf } from '../lib/error-text.ts'

export type ReplyBody = WholeBody | EventsBody | LiveBody

/** Due times of the parts of an answer, in milliseconds from the start of the request. */
export interface Schedule {
  /** Due time of each step, ascending. Generated text has one step per token. */
  readonly stepsMs: Float64Array
  /** Due time of a complete body, and of events after the last step. */
  readonly endMs: number
  /** When the model writes its first token, which can be hidden reasoning or held by the content filter. Absent: the first step. */
  readonly firstMs?: number
  /** Due time of the headers of a stream, if it is before that of its first event. Absent: with the first event. */
  readonly headMs?: number
}

/** Interruption of an answer by a fault. The carriers apply it, because they have the connection. */
export interface Interruption {
  /** `head`: before the first byte. A number: after this fraction of the bytes of a complete body. Events: after the last one. */
  readonly at: 'head' | number
  /**
   * `reset` resets the connection (TCP RST). `close` closes it (FIN) before the answer is complete. A number is a pause in
   * milliseconds, after which the rest of a complete body is sent; Infinity waits until the client disconnects.
   */
  readonly how: 'reset' | 'close' | number
}

/** Facts about a reply that its service headers depend on, in addition to the exchange. */
export interface ServiceFacts {
  /** Layer of the service that answers. */
  readonly layer: ServiceLayer
  /** Undefined for the one answer without a content type, the 404 of an unknown deployment. */
  readonly contentType: string | undefined
  /** Whether the body has no known length. */
  readonly chunked: boolean
}

/** An answer. Its body is rendered only when it is sent, so that answers to disconnected clients are not rendered. */
export interface Reply {
  status: number
  /** Status phrase, if it is not the standard one. */
  reason?: string
  headers: HeaderList
  body: ReplyBody
  /**
   * Facts for the headers of the service, or an error, for its headers and body. The stage `service-headers`, just inside the hooks
   * of extensions, writes them. Until then `headers` has only headers that follow them. Absent if the reply is complete.
   */
  service?: ServiceFacts | ServiceError | undefined
  usage?: Usage
  /**
   * When a live stream passed on its first token, in milliseconds from the start of the request. Set while it is sent, as `usage` is
   * at its end; absent for other bodies.
   */
  firstTokenMs?: number
  /** Steps that the latency of the answer depends on; absent if it depends on the request only. */
  steps?: Steps
  /** Whether the asynchronous content filter checks the answer, which does not buffer tokens; default: false. */
  unbuffered?: boolean
  /** Status of the error that a stream of status 200 reports instead of an answer. Logs, metrics and the journal count it. */
  streamErrorStatus?: number
  /** Tier that processes the request; absent for errors and other operations than chat and responses. */
  serviceTier?: ServedTier
  /** Limit that rejected the request; `capacity` is a full queue of the deployment. */
  limitedBy?: 'tokens' | 'requests' | 'capacity'
  /** Absent for an answer that is due immediately, and for a live body. */
  schedule?: Schedule
  /** Whether the answer has already taken time, at a real service, so that no latency is added. */
  ownTime?: boolean
  /** Absent for an answer that is not interrupted. */
  interruption?: Interruption
}

/** Returns the status of a reply, or that of the error in its stream. */
export function outcomeStatus({
  status,
  streamErrorStatus,
}: Pick<Reply, 'status' | 'streamErrorStatus'>): number {
  return streamErrorStatus ?? status
}

/**
 * Headers of a reply, in the order and case in which they are sent: the service mixes cases. Lookups ignore case. The flat list is
 * the format of Node.js.
 */
export class HeaderList {
  /** Alternating names and values. A name can occur several times. */
  readonly raw: string[]

  constructor(raw: string[] = []) {
    this.raw = raw
  }

  /** Returns the first value of a header, or undefined. */
  get(name: string): string | undefined {
    const index = this.#indexOf(name)
    return index < 0 ? undefined : this.raw[index + 1]
  }

  /** Replaces the value of the first header with that name, which keeps its position and case, or appends a header. */
  set(name: string, value: string): void {
    const index = this.#indexOf(name)
    if (index < 0) this.raw.push(name, value)
    else this.raw[index + 1] = value
  }

  /**
   * Sets Content-Length, in bytes, unless the body is sent in chunks: an answer with both headers is invalid (RFC 9112, 6.2), and
   * strict clients reject it.
   */
  setContentLength(length: number): void {
    const { raw } = this
    // Fast path: answers of the simulator reserve the first position for it.
    if (raw[0] === 'Content-Length') raw[1] = String(length)
    else if (this.get('Transfer-Encoding') === undefined) this.set('Content-Length', String(length))
  }

  /** Adds a header at the end, in addition to others with its name. */
  append(name: string, value: string): void {
    this.raw.push(name, value)
  }

  /** Removes all headers with that name. */
  delete(name: string): void {
    for (let index = this.#indexOf(name); index >= 0; index = this.#indexOf(name)) this.raw.splice(index, 2)
  }

  /** Iterates over pairs of name and value. */
  *[Symbol.iterator](): Generator<[name: string, value: string]> {
    const { raw } = this
    for (let index = 0; index < raw.length; index += 2) yield [raw[index] ?? '', raw[index + 1] ?? '']
  }

  #indexOf(name: string): number {
    return indexOfHeader(this.raw, name)
  }
}

function indexOfHeader(raw: readonly string[], name: string): number {
  // Fast path: most lookups use the case of the header.
  for (let index = 0; index < raw.length; index += 2) if (raw[index] === name) return index
  const wanted = name.toLowerCase()
  for (let index = 0; index < raw.length; index += 2) {
    const other = raw[index]
    if (other?.length === name.length && other.toLowerCase() === wanted) return index
  }
  return -1
}

/** Returns the first value of a header, or undefined. @param raw names and values alternate */
export function headerIn(raw: readonly string[], name: string): string | undefined {
  const index = indexOfHeader(raw, name)
  return index < 0 ? undefined : raw[index + 1]
}

/** Options of replies. */
export interface ReplyOptions {
  /** Default 200. */
  readonly status?: number
  /** Headers after the content type, which they can replace. A list is sent as several headers with one name. */
  readonly headers?: Readonly<Record<string, string | number | readonly string[]>>
}

/** Headers that are set when the reply is sent. */
const ofSending: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding'])

/** Returns the headers of a reply with a content type. `chunked`: the length is not known before the end. */
export function contentHeaders(
  contentType: string,
  given: ReplyOptions['headers'] = {},
  { chunked = false } = {},
): HeaderList {
  const headers = new HeaderList(
    chunked
      ? ['Content-Type', contentType, 'Transfer-Encoding', 'chunked']
      : ['Content-Length', '', 'Content-Type', contentType],
  )
  for (const [name, value] of Object.entries(given)) {
    if (ofSending.has(name.toLowerCase())) continue
    if (typeof value === 'object') for (const one of value) headers.append(name, one)
    else headers.set(name, String(value))
  }
  return headers
}

/**
 * Delays a reply. A stream keeps the time between its events. If a generator delays a reply, the latency of the deployment is not
 * added; if a hook delays it, it is.
 *
 * @param delayMs no effect unless positive; Infinity waits until the client disconnects
 */
export async function delayReply(exchange: Exchange, reply: Reply, delayMs: number): Promise<Reply> {
  if (!(delayMs > 0)) return reply
  if (reply.body.kind !== 'live') return shift(reply, delayMs, exchange)
  // A live body has no schedule.
  await sleep(delayMs, exchange.clock, exchange.signal)
  return reply
}

const noSteps = new Float64Array(0)

/** Returns the schedule of a reply. Without one, the reply is due now. */
export function scheduleOf({ schedule }: Reply, { clock, startedMs }: Exchange): Schedule {
  return schedule ?? { stepsMs: noSteps, endMs: clock.nowMs() - startedMs }
}

/** Returns the reply with all due times moved by `byMs`, which can be negative. Has no effect on a live body. */
export function shift(reply: Reply, byMs: number, exchange: Exchange): Reply {
  const { stepsMs, endMs, firstMs, headMs } = scheduleOf(reply, exchange)
  const schedule = {
    stepsMs: stepsMs.map((dueMs) => dueMs + byMs),
    endMs: endMs + byMs,
    ...(firstMs !== undefined && { firstMs: firstMs + byMs }),
    ...(headMs !== undefined && { headMs: headMs + byMs }),
  }
  return { ...reply, schedule }
}

/** Error of a live body that its source has already reported, so that the carrier does not report it again. */
export class ReportedFailure extends Error {
  override readonly name = 'ReportedFailure'

  constructor(cause: unknown) {
    super(reasonOf(cause), { cause })
  }
}
