import type { EventsBody } from '../answer/body.ts'
import { asBuffer } from '../lib/as-buffer.ts'
import { EventSplitter } from '../lib/server-sent-events.ts'
import { ReportedFailure } from '../pipeline/reported-failure.ts'
import type { Reply, Schedule } from '../pipeline/reply.ts'
import { dueTimes, eventsAt } from './retime.ts'

/** A reply that is a stream. */
export type StreamedReply = Reply & { readonly body: EventsBody }

/** What of a live stream is read to find the place of a fault in it, in bytes; the rest is not sent. */
const READ_BYTES = 8 * 1024 * 1024

/** Reads a live stream to its end, so that a fault finds its place in it. A stream that breaks meanwhile breaks there. */
export async function readEvents(reply: Reply): Promise<Reply> {
  const { body, headers } = reply
  if (body.kind !== 'live') return reply
  const splitter = new EventSplitter()
  const events: string[] = []
  let bytes = 0
  let isWhole = false
  try {
    for await (const chunk of body.chunks) {
      for (const event of splitter.push(asBuffer(chunk))) events.push(event.toString())
      bytes += chunk.byteLength
      if (bytes > READ_BYTES) break
    }
    isWhole = bytes <= READ_BYTES
  } catch (error) {
    if (!(error instanceof ReportedFailure)) throw error
  }
  const rest = splitter.rest()
  if (rest.length > 0) events.push(rest.toString())
  headers.delete('Content-Length')
  headers.set('Transfer-Encoding', 'chunked')
  reply.body = {
    kind: 'events',
    count: events.length,
    stepOf: (index) => index,
    render: (index) => events[index] ?? '',
  }
  if (!isWhole) reply.interruption = { at: 1, how: 'close' }
  return reply
}

/** A stream of which only the first events are sent, and then what `last` gives, where it is given. */
export function endAfter(reply: StreamedReply, events: number, last?: (index: number) => string): Reply {
  const { body } = reply
  const kept = Math.min(events, body.count)
  return {
    ...reply,
    body: {
      kind: 'events',
      count: last ? kept + 1 : kept,
      stepOf: (index) => body.stepOf(Math.min(index, body.count - 1)),
      render: (index) => (last && index === kept ? last(index) : body.render(index)),
    },
  }
}

/** A stream in which nothing comes for a while after the first events. */
export function stallAfter(reply: StreamedReply, schedule: Schedule, events: number, ms: number): Reply {
  const { body } = reply
  const duesMs = dueTimes(body, schedule).map((dueMs, index) => (index < events ? dueMs : dueMs + ms))
  return eventsAt(reply, duesMs, (index) => body.render(index))
}

/** A stream with one event whose JSON ends in the midst. */
export function breakEvent(reply: StreamedReply, at: number): Reply {
  const { body } = reply
  const render = (index: number): string =>
    index === at ? halfEvent(body.render(index)) : body.render(index)
  return {
    ...reply,
    body: { kind: 'events', count: body.count, stepOf: (index) => body.stepOf(index), render },
  }
}

function halfEvent(event: string): string {
  const end = event.trimEnd().length
  const start = event.indexOf('data: ') + 'data: '.length
  return `${event.slice(0, wholeCharacter(event, start + Math.floor((end - start) / 2)))}\n\n`
}

/** A stream with one event that comes in several pieces. */
export function splitEvent(
  reply: StreamedReply,
  schedule: Schedule,
  at: number,
  { parts, gapMs }: { readonly parts: number; readonly gapMs: number },
): Reply {
  const { body } = reply
  const before = dueTimes(body, schedule)
  const startMs = before[at] ?? schedule.endMs
  const endMs = startMs + (parts - 1) * gapMs
  const duesMs = Float64Array.from({ length: body.count + parts - 1 }, (_, index) => {
    if (index < at) return before[index] ?? 0
    if (index < at + parts) return startMs + (index - at) * gapMs
    return Math.max(endMs, before[index - parts + 1] ?? 0)
  })
  let event = ''
  return eventsAt(reply, duesMs, (index) => {
    if (index < at) return body.render(index)
    if (index >= at + parts) return body.render(index - parts + 1)
    if (index === at) event = body.render(at)
    return event.slice(pieceStart(event, index - at, parts), pieceStart(event, index - at + 1, parts))
  })
}

function pieceStart(event: string, piece: number, parts: number): number {
  return wholeCharacter(event, Math.floor((event.length * piece) / parts))
}

/** The two halves of a character that UTF-16 has in two units must not be encoded one by one. */
function wholeCharacter(text: string, at: number): number {
  const code = text.charCodeAt(at)
  return code >= 0xdc00 && code <= 0xdfff ? at + 1 : at
}
