import { isEventStream } from './should-stream.ts'
import { EventSplitter } from '../lib/server-sent-events.ts'
import type { LiveBody } from '../answer/body.ts'
import type { Reply } from './reply.ts'

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
