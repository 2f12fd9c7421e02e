import type { HeaderList, Reply } from './reply.ts'
import { type ChunkFlow, type ChunkSink, pushedFrom, PushedChunks } from '../answer/pushed-chunks.ts'
import { asBuffer } from '../lib/buffers.ts'
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
export function gather(chunks: AsyncIterable<Uint8Array>): Promise<Gathered> {
  return new Promise((resolve, reject) => {
    const pieces: Uint8Array[] = []
    let length = 0
    /** Takes over a body above the limit. */
    let next: ChunkSink | undefined
    /** The end of a body above the limit before it has a consumer. */
    let outcome: (() => void) | undefined
    const finish = (isComplete: boolean, error?: unknown): void => {
      const tell = (): void => (isComplete ? next?.end() : next?.fail(error))
      if (next) tell()
      else if (length > MAX_BUFFERED_BYTES) outcome = tell
      else if (isComplete) resolve({ kind: 'whole', bytes: joined(pieces) })
      else reject(error)
    }
    const flow = pushedFrom(chunks).pipe({
      write(chunk) {
        if (next) return next.write(chunk)
        pieces.push(chunk)
        length += chunk.byteLength
        if (length > MAX_BUFFERED_BYTES) resolve({ kind: 'live', chunks: new PushedChunks(startRest) })
        return length <= MAX_BUFFERED_BYTES
      },
      end: () => finish(true),
      fail: (error) => finish(false, error),
    })
    const startRest = (sink: ChunkSink): ChunkFlow => {
      let isCancelled = false
      // After the consumer has the flow.
      void Promise.resolve().then(() => {
        if (isCancelled) return
        next = sink
        const canContinue = sink.write(joined(pieces))
        pieces.length = 0
        if (outcome) outcome()
        else if (canContinue) flow.resume()
      })
      return {
        resume: () => flow.resume(),
        cancel() {
          isCancelled = true
          flow.cancel()
        },
      }
    }
  })
}

function joined(pieces: readonly Uint8Array[]): Buffer {
  const [only] = pieces
  return pieces.length === 1 && only ? asBuffer(only) : Buffer.concat(pieces)
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
