import { SerialQueue } from '../../lib/queues.ts'
import * as z from 'zod'
import { showValue } from '../../config/zod-problems.ts'
import type { Clock } from '../../lib/clock.ts'
import type { VirtualClock } from '../../lib/virtual-clock.ts'
import type { Simulator } from '../simulator.ts'
import { errorAnswer, type Refusal, refuse, type AdminRoute, defineRoute } from './admin-route.ts'

/** One year in milliseconds: longer than any window, timetable or stored response. */
const MAX_ADVANCE_MS = 31_536_000_000

const advanceSchema = z
  .strictObject({
    ms: z.number().gt(0).max(MAX_ADVANCE_MS).optional(),
    seconds: z
      .number()
      .gt(0)
      .max(MAX_ADVANCE_MS / 1_000)
      .optional(),
  })
  .refine((advance) => Object.keys(advance).length === 1)
  .meta({ minProperties: 1, maxProperties: 1 })

/** Returns the routes of the clock. */
export function clockRoutes({ clock }: Simulator): readonly AdminRoute[] {
  const advances = new SerialQueue()
  const time = {
    now: z.string().meta({ format: 'date-time', description: 'Wall-clock time.' }),
    now_ms: z.number().describe('Milliseconds since the start of the clock.'),
  }
  const readTime = () => ({ now: new Date(clock.epochMs()).toISOString(), now_ms: clock.nowMs() })
  return [
    defineRoute({
      method: 'GET',
      path: '/++/clock',
      operationId: 'getClock',
      summary: 'Get the kind and the time of the clock',
      answers: {
        200: {
          description: 'The clock.',
          schema: z.object({
            kind: z.enum(['system', 'virtual']).describe('Only a virtual clock can be advanced.'),
            ...time,
          }),
        },
      },
      handle: async () => ({
        status: 200,
        body: { kind: isVirtual(clock) ? ('virtual' as const) : ('system' as const), ...readTime() },
      }),
    }),
    defineRoute({
      method: 'POST',
      path: '/++/clock/advance',
      operationId: 'advanceClock',
      summary: 'Advance the virtual clock',
      description:
        'Everything that is due is done in order before the answer: limits expire, answers are sent, phases begin. Concurrent calls run one after the other.',
      body: {
        kind: 'json',
        description: 'Either `ms` or `seconds`.',
        schema: advanceSchema,
        example: { seconds: 60 },
        refuse: (body) => (isVirtual(clock) ? invalidAdvance(body) : clockOff()),
      },
      answers: {
        200: {
          description: 'The new time.',
          schema: z.object(time),
        },
        400: errorAnswer('The clock is not virtual (VirtualClockOff), or the time is out of range.'),
      },
      async handle({ body: { ms = 0, seconds } }) {
        if (!isVirtual(clock)) return clockOff()
        // Serialized: concurrent calls would start from the same time, and one would set the clock back.
        await advances.run(() => clock.advance(seconds === undefined ? ms : seconds * 1_000))
        return { status: 200, body: readTime() }
      },
    }),
  ]
}

function isVirtual(clock: Clock): clock is VirtualClock {
  return 'advance' in clock
}

function clockOff(): Refusal {
  const message = 'Could not advance the clock: it is the system clock. Start with SIMULATOR_CLOCK=virtual.'
  return refuse(400, 'VirtualClockOff', message)
}

function invalidAdvance(body: unknown): Refusal {
  const message = `Could not advance the clock: the body must have either "ms" or "seconds", a number above 0 and at most one year (got ${showValue(body)}). Send {"seconds": 60}, for example.`
  return refuse(400, 'InvalidAdvance', message)
}
