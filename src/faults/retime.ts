import type { Exchange } from '../pipeline/exchange.ts'
import type { EventsBody } from '../answer/body.ts'
import type { Reply, Schedule } from '../pipeline/reply.ts'
import { scheduleOf, shift } from '../pipeline/shift-reply.ts'

/** A reply whose first token, or whose whole body, is due at a time from the start of the request. */
export function startAt(reply: Reply, firstMs: number, exchange: Exchange): Reply {
  const { stepsMs, endMs } = scheduleOf(reply, exchange)
  return shift(reply, firstMs - (stepsMs[0] ?? endMs), exchange)
}

/** When each event of a stream is due. */
export function dueTimes(body: EventsBody, { stepsMs, endMs }: Schedule): Float64Array {
  return Float64Array.from({ length: body.count }, (_, index) => stepsMs[body.stepOf(index)] ?? endMs)
}

/** A stream whose events each have a due time of their own. */
export function eventsAt(reply: Reply, duesMs: Float64Array, render: EventsBody['render']): Reply {
  const body: EventsBody = { kind: 'events', count: duesMs.length, stepOf: (index) => index, render }
  return { ...reply, body, schedule: { stepsMs: duesMs, endMs: duesMs.at(-1) ?? 0 } }
}
