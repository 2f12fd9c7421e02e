import { eventStreamType } from '../wire/sse.ts'
import { contentHeaders, type ReplyOptions } from './content-headers.ts'
import type { EventsBody } from '../answer/body.ts'
import type { Reply } from './reply.ts'

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
