import { eventStreamType } from '../wire/sse.ts'
import { type EventsBody, textBody } from '../answer/body.ts'
import { contentHeaders, type ReplyOptions, type Reply, HeaderList } from './reply.ts'
import { shouldStream, gather } from './stream-events.ts'
import { endToEndHeaders } from './end-to-end-headers.ts'

/** What a reply of events has beside its body. */
export interface EventsReplyOptions extends ReplyOptions {
  /**
   * When each event is due, in milliseconds from the start of the request, ascending; those beyond the last one come with
   * it. Default: at the pace of the deployment's latency, an event like a token.
   */
  readonly dueMs?: readonly number[]
}

/**
 * A reply of server-sent events.
 *
 * @param events as they go over the wire, framing included: `dataEvent(JSON.stringify(chunk))`, and `doneEvent` at the end
 * @throws {TypeError} for an event without its blank line
 */
export function eventsReply(
  events: readonly string[],
  { status = 200, headers, dueMs }: EventsReplyOptions = {},
): Reply {
  const unframed = events.findIndex((event) => !/(?:\n\n|\r\n\r\n|\r\r)$/.test(event))
  if (unframed >= 0) {
    const problem = `event ${unframed} does not end in a blank line. Frame its data with dataEvent().`
    throw new TypeError(`Could not make a reply of events: ${problem}`)
  }
  const body: EventsBody = {
    kind: 'events',
    count: events.length,
    stepOf: (index) => index,
    render: (index) => events[index] ?? '',
  }
  return {
    status,
    headers: contentHeaders(eventStreamType, headers, { chunked: true }),
    body,
    ...(dueMs
      ? { schedule: { stepsMs: Float64Array.from(dueMs), endMs: dueMs.at(-1) ?? 0 } }
      : { steps: { hidden: 0, visible: events.length } }),
  }
}

/**
 * A reply of JSON. Where it tells what it costs (`reply.usage`), limits and metrics count that, and the latency of its
 * deployment follows it.
 *
 * @throws {TypeError} for what JSON cannot hold
 */
export function jsonReply(value: unknown, { status = 200, headers }: ReplyOptions = {}): Reply {
  // At once: what fails here is answered with a 500 and logged, and while it is sent it would cut the connection.
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined)
    throw new TypeError(`Could not make a reply of JSON: it cannot hold ${typeof value}.`)
  return { status, headers: contentHeaders('application/json', headers), body: textBody(text) }
}

/** What a reply of text, or of bytes, has beside its body. */
export interface TextReplyOptions extends ReplyOptions {
  /** Default `text/plain; charset=utf-8`. */
  readonly contentType?: string
}

/** A reply of text, sent as UTF-8, or of bytes as they are. */
export function textReply(
  text: string | Uint8Array,
  { status = 200, contentType = 'text/plain; charset=utf-8', headers }: TextReplyOptions = {},
): Reply {
  return { status, headers: contentHeaders(contentType, headers), body: textBody(text) }
}

/**
 * Makes a reply of what `fetch` got from another service: status, phrase and headers, without those of the connection and
 * those of the body's encoding, which `fetch` has undone. JSON of at most 8 MB, and what has a known length of no more than
 * that, is read to its end; a stream, and anything else, is passed on as it comes.
 *
 * Give `exchange.signal` to `fetch`: the service then hears at once when the client leaves. Without it, it hears with the
 * next thing that it sends.
 *
 * @throws what reading the body throws
 */
export async function replyFromResponse(response: Response): Promise<Reply> {
  const { status, statusText, body } = response
  if (response.bodyUsed) {
    throw new TypeError(
      'Could not make a reply of a response: its body has been read. Read a clone() of it, or use jsonReply().',
    )
  }
  const received = new HeaderList([...response.headers].flat())
  const headers = endToEndHeaders(received)
  const reply: Reply = {
    status,
    ...(statusText !== '' && { reason: statusText }),
    headers,
    body: textBody(''),
    ownTime: true,
  }
  // The answer of HEAD and the like: it tells a length, or none, and sends nothing.
  if (!body) return { ...reply, body: { kind: 'live', chunks: nothing() } }
  headers.delete('Content-Encoding')
  headers.delete('Content-Length')
  const gathered = shouldStream(received) ? undefined : await gather(body)
  if (gathered?.kind === 'whole') reply.body = textBody(gathered.bytes)
  else reply.body = { kind: 'live', chunks: gathered?.chunks ?? body }
  return reply
}

async function* nothing(): AsyncGenerator<Uint8Array, undefined> {}
