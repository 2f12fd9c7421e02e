// Makes a share of all responses fail: a 503, and for streams also a connection reset or an invalid event.
// CHAOS_SHARE=0.2 SIMULATOR_SEED=1 EXTENSION_PATH=examples/extensions/chaos.ts aoai-sim
import {
  defineExtension,
  errorReply,
  type EventsBody,
  type Hook,
  mapEvents,
  type Random,
  type Reply,
  temporarilyUnable,
} from 'aoai-simulated-api/extension'

const share = Number(process.env['CHAOS_SHARE'] ?? 0.1)
if (!(share >= 0 && share <= 1)) throw new Error('CHAOS_SHARE must be a number from 0 to 1')

const injectFault: Hook = async (exchange, next) => {
  // A separate random branch, so that all other responses stay the same as without this extension.
  const random = exchange.random.branch(2)
  const reply = await next()
  const { body, status } = reply
  if (status >= 300 || body.kind === 'live' || random.unit() >= share) return reply
  const kinds = body.kind === 'events' ? 3 : 1
  switch (random.below(kinds)) {
    case 1:
      return resetInTheMiddle(reply, body as EventsBody)
    case 2:
      return breakOneEvent(reply, body as EventsBody, random)
    default:
      return errorReply(exchange, temporarilyUnable(), { 'retry-after': '2' })
  }
}

function resetInTheMiddle(reply: Reply, body: EventsBody): Reply {
  const half: EventsBody = {
    kind: 'events',
    count: Math.ceil(body.count / 2),
    stepOf: (index) => body.stepOf(index),
    render: (index) => body.render(index),
  }
  return { ...reply, body: half, interruption: { at: 1, how: 'reset' } }
}

function breakOneEvent(reply: Reply, { count }: EventsBody, random: Random): Reply {
  const broken = random.below(Math.max(1, count - 1))
  return mapEvents(reply, (event, index) =>
    index === broken ? `${event.slice(0, Math.floor(event.length / 2))}\n\n` : event,
  )
}

export default defineExtension({ name: 'chaos', hooks: [injectFault] })
