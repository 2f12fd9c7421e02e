import { isRecord } from '../../config/resolve-deployment.ts'
import { showValue } from '../../config/show-value.ts'
import type { Clock } from '../../lib/clock.ts'
import type { VirtualClock } from '../../lib/virtual-clock.ts'
import type { Simulator } from '../simulator.ts'
import { errorAnswer, refuse } from './admin-error.ts'
import type { AdminRoute } from './admin-route.ts'
import { closedObject } from './json-schemas.ts'

/** A year, in milliseconds: further than any window, timetable or stored response reaches. */
const longestMs = 31_536_000_000

/** The routes of the clock. */
export function clockRoutes({ clock }: Simulator): readonly AdminRoute[] {
  let advances: Promise<unknown> = Promise.resolve()
  return [
    {
      method: 'POST',
      path: '/++/clock/advance',
      operationId: 'advanceClock',
      summary: 'Let time pass on a virtual clock',
      description:
        'Everything that is due until then happens in its order: limits are freed, answers are sent, phases begin. It answers when that is done. Several at once go one after the other.',
      body: {
        kind: 'json',
        description: 'How far: `ms` or `seconds`.',
        schema: {
          type: 'object',
          properties: {
            ms: { type: 'number', exclusiveMinimum: 0, maximum: longestMs },
            seconds: { type: 'number', exclusiveMinimum: 0, maximum: longestMs / 1_000 },
          },
          minProperties: 1,
          maxProperties: 1,
          additionalProperties: false,
        },
        example: { seconds: 60 },
      },
      answers: {
        200: {
          description: 'The time after it.',
          schema: closedObject({
            now: { type: 'string', format: 'date-time', description: 'As clients see it.' },
            now_ms: { type: 'number', description: 'Milliseconds since the start of the clock.' },
          }),
        },
        400: errorAnswer(
          'The clock is that of the machine (VirtualClockOff), or the time is out of its range.',
        ),
      },
      async handle({ body }) {
        if (!isVirtual(clock)) {
          const message =
            "Could not advance the clock: it is the machine's. Start with SIMULATOR_CLOCK=virtual to decide yourself when time passes."
          return refuse(400, 'VirtualClockOff', message)
        }
        const ms = readMs(body)
        if (ms === undefined) {
          const message = `Could not advance the clock: the body must have either "ms" or "seconds", a number above 0 and up to a year (got ${showValue(body)}). Send {"seconds": 60}, for example.`
          return refuse(400, 'InvalidAdvance', message)
        }
        // Two at once would each end at a time reckoned from the same start, and one would turn the clock back.
        const advanced = advances.then(() => clock.advance(ms))
        advances = advanced.catch(() => {})
        await advanced
        return { status: 200, body: { now: new Date(clock.epochMs()).toISOString(), now_ms: clock.nowMs() } }
      },
    },
  ]
}

function isVirtual(clock: Clock): clock is VirtualClock {
  return 'advance' in clock
}

function readMs(body: unknown): number | undefined {
  if (!isRecord(body) || Object.keys(body).length !== 1) return undefined
  const { ms, seconds } = body
  const asked = typeof seconds === 'number' ? seconds * 1_000 : ms
  return typeof asked === 'number' && asked > 0 && asked <= longestMs ? asked : undefined
}
