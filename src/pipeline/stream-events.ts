import type { HeaderList, Reply } from './reply.ts'
import { EventSplitter } from '../lib/server-sent-events.ts'
import type { LiveBody } from '../answer/body.ts'

/** Up to this length, in bytes, a body is passed on in one piece, so that it can still fail whole. */
const WHOLE_BODY_BYTES = 8 * 1024 * 1024

/**
 * Whether an answer from elsewhere is passed on as it arrives: a stream, and what is large or of unknown length. JSON is of
 * no use before its end, and as a whole it can still be replaced by an error that says what happened; `gather` bounds it.
 */
export function shouldStream(headers: HeaderList): boolean {
  if (isEventStream(headers)) return true
  const length = headers.get('content-length')
  if (length !== undefined) return Number(length) > WHOLE_BODY_BYTES
  return !/[/+]json\b/i.test(headers.get('content-type') ?? '')
}

/** Whether the content type is that of server-sent events. */
export function isEventStream(headers: HeaderList): boolean {
  return headers.get('content-type')?.trim().toLowerCase().startsWith('text/event-stream') ?? false
}

/** Whether a reply is sent as server-sent events. */
export function isStream({ body, headers }: Reply): boolean {
  return body.kind === 'events' || headers.get('content-type')?.startsWith('text/event-stream') === true
}

/** Whether an answer has no body whatever its headers say: its head is its end. */
export function hasNoBody(method: string, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 205 || status === 304
}

/** A body that was read to its end, or one that is too large for that, from its beginning on. */
export type Gathered =
  | { readonly kind: 'whole'; readonly bytes: Buffer }
  | { readonly kind: 'live'; readonly chunks: AsyncIterable<Uint8Array> }

/** Reads a body of unknown length to its end; one that goes beyond the size of a whole one is given on as it comes. */
export async function gather(chunks: AsyncIterable<Uint8Array>): Promise<Gathered> {
  const iterator = chunks[Symbol.asyncIterator]()
  const pieces: Uint8Array[] = []
  for (let length = 0; length <= WHOLE_BODY_BYTES;) {
    const { done, value } = await iterator.next()
    if (done === true) return { kind: 'whole', bytes: Buffer.concat(pieces) }
    pieces.push(value)
    length += value.byteLength
  }
  return { kind: 'live', chunks: goOn(pieces, iterator) }
}

async function* goOn(
  pieces: Uint8Array[],
  iterator: AsyncIterator<Uint8Array, unknown>,
): AsyncGenerator<Uint8Array, undefined> {
  let isOver = false
  try {
    for (let piece = pieces.shift(); piece; piece = pieces.shift()) yield piece
    for (;;) {
      const { done, value } = await iterator.next()
      isOver = done === true
      if (done === true) return
      yield value
    }
  } finally {
    // Whoever stops reading here breaks off what is read there.
    if (!isOver) await iterator.return?.()
  }
}

/** A stream whose events have no end must not fill the memory. */
const MAX_EVENT_BYTES = 64 * 1024 * 1024

/** Sees an event as it stands on the wire, framing included, and gives what is sent in its place. */
export type ChangeEvent = (event: string, index: number) => string

/**
 * Lets `change` see each event of a stream when it is sent, or comes: given back as it is, its bytes stay as they are; an
 * empty text drops it. What stands behind the last blank line counts as an event. Bodies that are no server-sent events
 * are left alone. Changes the reply itself, and gives it back.
 *
 * When `change` throws, the connection is cut and the failure is logged.
 */
export function mapEvents(reply: Reply, change: ChangeEvent): Reply {
  const { body, headers } = reply
  if (body.kind === 'events') {
    reply.body = {
      kind: 'events',
      count: body.count,
      stepOf: (index) => body.stepOf(index),
      render: (index) => change(body.render(index), index),
    }
  } else if (body.kind === 'live' && isEventStream(headers)) {
    headers.delete('Content-Length')
    reply.body = { kind: 'live', chunks: changed(body, change) }
  }
  return reply
}

async function* changed({ chunks }: LiveBody, change: ChangeEvent): AsyncGenerator<Uint8Array, undefined> {
  const splitter = new EventSplitter()
  let index = 0
  const changedBytes = (bytes: Buffer): Buffer => {
    const event = bytes.toString()
    const next = change(event, index++)
    return next === event ? bytes : Buffer.from(next)
  }
  for await (const chunk of chunks) {
    const events = splitter.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    // What came together goes together: each write costs more than all that is done here.
    if (events.length > 0) yield Buffer.concat(events.map(changedBytes))
    if (splitter.pendingBytes > MAX_EVENT_BYTES) {
      throw new Error(
        `Could not change an event of a stream: it has more than ${MAX_EVENT_BYTES} bytes and goes on. Leave such streams alone.`,
      )
    }
  }
  const rest = splitter.rest()
  if (rest.length > 0) yield changedBytes(rest)
}
