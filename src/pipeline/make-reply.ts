import { eventStreamType } from '../wire/sse.ts'
import { listedEvents, textBody } from '../answer/body.ts'
import { contentHeaders, type ReplyOptions, type Reply, HeaderList } from './reply.ts'
import { shouldStream, gather } from './stream-events.ts'
import { endToEndHeaders } from './end-to-end-headers.ts'

/** Options of `eventsReply`. */
export interface EventsReplyOptions extends ReplyOptions {
  /**
   * Due time of each event, in milliseconds from the start of the request, ascending. Events without a time are sent with the last
   * one. Default: the latency of the deployment, with one event per token.
   */
  readonly dueMs?: readonly number[]
}

/**
 * Creates a reply of server-sent events.
 *
 * @param events events in wire format: `dataEvent(JSON.stringify(chunk))`, and `doneEvent` at the end
 * @throws {TypeError} for an event that does not end in a blank line
 */
export function eventsReply(
  events: readonly string[],
  { status = 200, headers, dueMs }: EventsReplyOptions = {},
): Reply {
  const unframed = events.findIndex((event) => !/(?:\n\n|\r\n\r\n|\r\r)$/.test(event))
  if (unframed >= 0) {
    const problem = `event ${unframed} does not end in a blank line. Use dataEvent() for its data.`
    throw new TypeError(`Could not create a reply of events: ${problem}`)
  }
  return {
    status,
    headers: contentHeaders(eventStreamType, headers, { chunked: true }),
    body: listedEvents(events),
    ...(dueMs
      ? { schedule: { stepsMs: Float64Array.from(dueMs), endMs: dueMs.at(-1) ?? 0 } }
      : { steps: { hidden: 0, visible: events.length } }),
  }
}

/**
 * Creates a reply of JSON. If `reply.usage` is set, limits and metrics count it, and the latency of the deployment depends on it.
 *
 * @throws {TypeError} for a value that JSON cannot represent
 */
export function jsonReply(value: unknown, { status = 200, headers }: ReplyOptions = {}): Reply {
  // Serialised here, so that an error becomes a 500. During sending it would reset the connection.
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined)
    throw new TypeError(
      `Could not create a reply of JSON: JSON cannot represent the value (got ${typeof value}).`,
    )
  return { status, headers: contentHeaders('application/json', headers), body: textBody(text) }
}

/** Options of `textReply`. */
export interface TextReplyOptions extends ReplyOptions {
  /** Default `text/plain; charset=utf-8`. */
  readonly contentType?: string
}

/** Creates a reply of text in UTF-8, or of bytes. */
export function textReply(
  text: string | Uint8Array,
  { status = 200, contentType = 'text/plain; charset=utf-8', headers }: TextReplyOptions = {},
): Reply {
  return { status, headers: contentHeaders(contentType, headers), body: textBody(text) }
}

/**
 * Creates a reply from the result of `fetch`: status, phrase and headers, without hop-by-hop headers and without the content
 * encoding, which `fetch` has decoded. JSON of at most 8 MB, and any body with a known length of at most 8 MB, is read to its end.
 * A stream and any other body is passed on as it arrives.
 *
 * Pass `exchange.signal` to `fetch` to abort the request when the client disconnects. Without it, the request is aborted at the
 * next chunk of the service.
 *
 * @throws the errors of reading the body
 */
export async function replyFromResponse(response: Response): Promise<Reply> {
  const { status, statusText, body } = response
  if (response.bodyUsed) {
    throw new TypeError(
      'Could not create a reply from the response: its body has been read. Read a clone() of it, or use jsonReply().',
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
  // The answer to HEAD, for example: it can have a Content-Length, but has no body.
  if (!body) return { ...reply, body: { kind: 'live', chunks: nothing() } }
  headers.delete('Content-Encoding')
  headers.delete('Content-Length')
  const gathered = shouldStream(received) ? undefined : await gather(body)
  if (gathered?.kind === 'whole') reply.body = textBody(gathered.bytes)
  else reply.body = { kind: 'live', chunks: gathered?.chunks ?? body }
  return reply
}

async function* nothing(): AsyncGenerator<Uint8Array, undefined> {}
