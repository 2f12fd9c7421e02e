import type { HeaderList, Reply } from './reply.ts'
import { EventSplitter } from '../lib/server-sent-events.ts'
import type { LiveBody } from '../answer/body.ts'

/** Maximum size of a body that is buffered, so that an error in it can still be reported to the client. */
const MAX_BUFFERED_BYTES = 8 * 1024 * 1024

/**
 * Returns whether an answer of another service is passed on as it arrives: streams, and bodies that are large or of unknown length.
 * JSON is buffered, because clients cannot use a part of it, and an error can still replace it. `gather` limits its size.
 */
export function shouldStream(headers: HeaderList): boolean {
  if (isEventStream(headers)) return true
  const length = headers.get('content-length')
  if (length !== undefined) return Number(length) > MAX_BUFFERED_BYTES
  return !/[/+]json\b/i.test(headers.get('content-type') ?? '')
}

/** Returns whether the content type is that of server-sent events. */
export function isEventStream(headers: HeaderList): boolean {
  return headers.get('content-type')?.trim().toLowerCase().startsWith('text/event-stream') ?? false
}

/** Returns whether a reply is sent as server-sent events. */
export function isStream({ body, headers }: Reply): boolean {
  return body.kind === 'events' || headers.get('content-type')?.startsWith('text/event-stream') === true
}

/** Returns whether an answer has no body, independent of its headers. */
export function hasNoBody(method: string, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 205 || status === 304
}

/** A body that was read to its end, or a body over the limit as chunks from its start. */
export type Gathered =
  | { readonly kind: 'whole'; readonly bytes: Buffer }
  | { readonly kind: 'live'; readonly chunks: AsyncIterable<Uint8Array> }

/** Reads a body of unknown length to its end. Returns a body over the limit as chunks. */
export async function gather(chunks: AsyncIterable<Uint8Array>): Promise<Gathered> {
  const iterator = chunks[Symbol.asyncIterator]()
  const pieces: Uint8Array[] = []
  for (let length = 0; length <= MAX_BUFFERED_BYTES;) {
    const { done, value } = await iterator.next()
    if (done === true) return { kind: 'whole', bytes: Buffer.concat(pieces) }
    pieces.push(value)
    length += value.byteLength
  }
  return { kind: 'live', chunks: continueWith(pieces, iterator) }
}

async function* continueWith(
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
    // If the consumer stops, the source is cancelled.
    if (!isOver) await iterator.return?.()
  }
}

/** Limits memory for a stream with an event that does not end. */
const MAX_EVENT_BYTES = 64 * 1024 * 1024

/** Receives an event in wire format, and returns the text to send instead. */
export type ChangeEvent = (event: string, index: number) => string

/**
 * Calls `change` for each event of a stream when it is sent or arrives. If it returns the event unchanged, the bytes stay the same;
 * an empty text drops the event. Text after the last blank line counts as an event. Bodies that are not server-sent events are
 * unchanged. Modifies and returns `reply`.
 *
 * If `change` throws, the connection is reset and the error is logged.
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
    // Events that arrived together are sent together, because each write is expensive.
    if (events.length > 0) yield Buffer.concat(events.map(changedBytes))
    if (splitter.pendingBytes > MAX_EVENT_BYTES) {
      throw new Error(
        `Could not change an event of a stream: it must have at most ${MAX_EVENT_BYTES} bytes. Do not use mapEvents() for such streams.`,
      )
    }
  }
  const rest = splitter.rest()
  if (rest.length > 0) yield changedBytes(rest)
}
