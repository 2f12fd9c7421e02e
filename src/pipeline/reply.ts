import type { EventsBody, LiveBody, WholeBody } from '../answer/body.ts'
import type { Steps, Usage } from '../answer/completion.ts'
import type { ServiceError, ServiceLayer } from '../wire/errors.ts'
import type { Exchange } from './exchange.ts'
import { sleep } from '../lib/waiting.ts'
import { reasonOf } from '../lib/error-text.ts'

export type ReplyBody = WholeBody | EventsBody | LiveBody

/** When the parts of an answer are due, in milliseconds from the start of the request. */
export interface Schedule {
  /** Due time of each step, ascending: one a token for generated text. */
  readonly stepsMs: Float64Array
  /** Due time of the end: of a whole body, and of events beyond the last step. */
  readonly endMs: number
}

/** How an answer is broken on purpose. The carriers do it, since only they know the connection. */
export interface Interruption {
  /** `head` is before the first byte; a number is the share of a whole body's bytes. Events are broken off after the last one. */
  readonly at: 'head' | number
  /**
   * `reset` drops the connection (TCP RST), `close` ends it in order (FIN) although the answer is not complete. A number
   * is a pause in milliseconds, after which the rest of a whole body follows; Infinity waits for the client to leave.
   */
  readonly how: 'reset' | 'close' | number
}

/** What the service's headers of a reply tell of it, beside what its exchange knows. */
export interface ServiceFacts {
  /** Which layer of the service answers. */
  readonly layer: ServiceLayer
  /** Undefined for the one answer without a content type, the 404 of an unknown deployment. */
  readonly contentType: string | undefined
  /** Whether the body has no known length. */
  readonly chunked: boolean
}

/** A plan of an answer. Its body is not rendered before it is sent, so that an answer nobody waits for costs no text. */
export interface Reply {
  status: number
  /** Status phrase, where the service's is not the standard one. */
  reason?: string
  headers: HeaderList
  body: ReplyBody
  /**
   * What the service's own headers depend on, or the error whose headers and body are to be written: both happens once, on the
   * way out, just inside the hooks of extensions. Until then `headers` has only what follows them. Absent for a reply that
   * is complete.
   */
  service?: ServiceFacts | ServiceError | undefined
  usage?: Usage
  /** What the latency of the answer depends on; absent where it depends on the request alone. */
  steps?: Steps
  /** Which limit refused the request; `capacity` is a full queue in front of the deployment. */
  limitedBy?: 'tokens' | 'requests' | 'capacity'
  /** Absent for an answer that is due at once, and for a live one. */
  schedule?: Schedule
  /** Whether the answer has taken its time already, at a real service, so that no latency is added. */
  ownTime?: boolean
  /** Absent for an answer that is sent as it is. */
  interruption?: Interruption
}

/**
 * The headers of a reply, in the order and case in which they go out: the service mixes cases, and clients that
 * compare captures see it. Names are found in any case. One flat list serves Node as it is.
 */
export class HeaderList {
  /** Names and values in turn. A name that stands twice is sent twice. */
  readonly raw: string[]

  constructor(raw: string[] = []) {
    this.raw = raw
  }

  /** The first value of a header; undefined when it is not there. */
  get(name: string): string | undefined {
    const index = this.#indexOf(name)
    return index < 0 ? undefined : this.raw[index + 1]
  }

  /** Replaces the first header of that name, which keeps its place and case, or adds one at the end. */
  set(name: string, value: string): void {
    const index = this.#indexOf(name)
    if (index < 0) this.raw.push(name, value)
    else this.raw[index + 1] = value
  }

  /**
   * Tells the length of a body, in bytes, unless it goes out in chunks: both at once are a broken answer (RFC 9112, 6.2),
   * which strict clients refuse.
   */
  setContentLength(length: number): void {
    const { raw } = this
    // Answers of the simulator keep a place for it, so that nothing has to be searched.
    if (raw[0] === 'Content-Length') raw[1] = String(length)
    else if (this.get('Transfer-Encoding') === undefined) this.set('Content-Length', String(length))
  }

  /** Adds a header at the end, beside others of its name. */
  append(name: string, value: string): void {
    this.raw.push(name, value)
  }

  /** Removes all headers of that name. */
  delete(name: string): void {
    for (let index = this.#indexOf(name); index >= 0; index = this.#indexOf(name)) this.raw.splice(index, 2)
  }

  /** Names and values, pair by pair. */
  *[Symbol.iterator](): Generator<[name: string, value: string]> {
    const { raw } = this
    for (let index = 0; index < raw.length; index += 2) yield [raw[index] ?? '', raw[index + 1] ?? '']
  }

  #indexOf(name: string): number {
    const { raw } = this
    // Most names are asked for as they were written, and comparing those costs nothing.
    for (let index = 0; index < raw.length; index += 2) if (raw[index] === name) return index
    const wanted = name.toLowerCase()
    for (let index = 0; index < raw.length; index += 2) {
      const other = raw[index]
      if (other?.length === name.length && other.toLowerCase() === wanted) return index
    }
    return -1
  }
}

/** What a reply has beside its body. */
export interface ReplyOptions {
  /** Default 200. */
  readonly status?: number
  /** Go after the content type, and may replace it. A list is sent as several headers of its name. */
  readonly headers?: Readonly<Record<string, string | number | readonly string[]>>
}

/** The length and how it is told are for those who send the reply. */
const ofSending: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding'])

/** The headers of a reply of one content type; `chunked` for one whose length is not known before its end. */
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
  // A body that arrives from elsewhere has no schedule to change.
  await sleep(delayMs, exchange.clock, exchange.signal)
  return reply
}

const noSteps = new Float64Array(0)

/** The times of a reply; one that is due at once is due now. */
export function scheduleOf({ schedule }: Reply, { clock, startedMs }: Exchange): Schedule {
  return schedule ?? { stepsMs: noSteps, endMs: clock.nowMs() - startedMs }
}

/** A reply that comes later as a whole; earlier, where `byMs` is negative. A live body keeps its own time. */
export function shift(reply: Reply, byMs: number, exchange: Exchange): Reply {
  const { stepsMs, endMs } = scheduleOf(reply, exchange)
  return { ...reply, schedule: { stepsMs: stepsMs.map((dueMs) => dueMs + byMs), endMs: endMs + byMs } }
}

/** Why a live body broke, thrown on by a source that has reported it: whoever sends the body need not do it again. */
export class ReportedFailure extends Error {
  override readonly name = 'ReportedFailure'

  constructor(cause: unknown) {
    super(reasonOf(cause), { cause })
  }
}
