import { z } from 'zod'
import { defaultResourceName } from '../../config/config.ts'
import { type IncidentTimetable, parseIncidentFile } from '../../config/incident-file.ts'
import type { IncidentState } from '../../faults/incidents.ts'
import type { Simulator } from '../simulator.ts'
import { errorAnswer, refuse, type AdminRoute, defineRoute } from './admin-route.ts'

const seconds = z.number().min(0)

/** State of a timetable; times in seconds. */
const stateSchema = z
  .union([
    z.object({
      running: z.literal(true),
      round: z.int().min(0).describe('0 before the first round.'),
      rounds: z.int().min(1).nullable().describe('Null if endless.'),
      elapsed_seconds: seconds,
      phase: z
        .object({
          name: z.string(),
          deployment: z.string().nullable().describe('Null: all.'),
          elapsed_seconds: seconds,
        })
        .nullable(),
      next: z.string().nullable(),
      next_change_in_seconds: z.number().nullable(),
    }),
    z.object({ running: z.literal(false) }),
  ])
  .meta({ id: 'IncidentState' })

/** For the documentation only: `parseIncidentFile` validates the text. */
const timetableSchema = z.custom<string>().meta({
  type: 'object',
  properties: { phases: { type: 'array', items: { type: 'object' } } },
})

type State = z.output<typeof stateSchema>

/** Returns the routes of incidents. All of them answer with the state of the timetable. */
export function incidentRoutes(simulator: Simulator): readonly AdminRoute[] {
  const { incidents } = simulator
  const state = () => ({ status: 200 as const, body: describeState(incidents.stateOf(defaultResourceName)) })
  const answers = { 200: { description: 'State of the timetable.', schema: stateSchema } }

  return [
    defineRoute({
      method: 'GET',
      path: '/++/incidents',
      operationId: 'getIncidents',
      summary: 'Get the state of the incident timetable',
      answers,
      handle: async () => state(),
    }),
    defineRoute({
      method: 'POST',
      path: '/++/incidents/start',
      operationId: 'startIncidents',
      summary: 'Start an incident timetable, replacing a running one',
      body: {
        kind: 'text',
        description: 'Timetable in JSON or YAML (docs/incidents.md), at most 64 KB. Default: INCIDENTS_PATH.',
        schema: timetableSchema,
        example: {
          phases: [{ name: 'down', seconds: 60, faults: [{ probability: 1, fault: 'overloaded503' }] }],
        },
      },
      answers: { ...answers, 400: errorAnswer('The timetable is invalid or missing.') },
      async handle({ body }) {
        const chosen = chooseTimetable(body, simulator)
        if ('problems' in chosen) {
          return refuse(400, 'InvalidTimetable', chosen.problems.join('\n'), chosen.problems)
        }
        incidents.start(defaultResourceName, chosen.timetable)
        return state()
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/++/incidents/stop',
      operationId: 'stopIncidents',
      summary: 'Stop the incident timetable',
      answers,
      async handle() {
        incidents.stop(defaultResourceName)
        return state()
      },
    }),
  ]
}

/** Enough for a thousand short phases, which is the maximum. Parsing YAML takes up to 2 ms per kilobyte. */
const MAX_TIMETABLE_BYTES = 64 * 1024

type TimetableChoice = { readonly timetable: IncidentTimetable } | { readonly problems: readonly string[] }

/** Returns the timetable of the body (JSON or YAML), or of the configuration if the body is empty. */
function chooseTimetable(source: string, { config }: Simulator): TimetableChoice {
  if (source.trim() === '') {
    const { incidents } = config.defaultResource
    return incidents
      ? { timetable: incidents }
      : {
          problems: [
            'Could not start incidents: there is no timetable. Send one as the body, or set INCIDENTS_PATH.',
          ],
        }
  }
  const bytes = Buffer.byteLength(source)
  if (bytes > MAX_TIMETABLE_BYTES) {
    const problem = `The timetable must have at most ${MAX_TIMETABLE_BYTES} bytes (got ${bytes}). Shorten it, or set INCIDENTS_PATH to its file.`
    return { problems: [problem] }
  }
  const { timetable, problems } = parseIncidentFile(
    source,
    'body',
    new Set(config.defaultResource.deployments.keys()),
  )
  return timetable ? { timetable } : { problems }
}

/** Converts a state to the form of the admin API; times in seconds. */
function describeState(state: IncidentState | undefined): State {
  if (!state) return { running: false }
  const { timetable, elapsedMs, position } = state
  const { phase, phaseStartMs = 0, next, nextChangeMs, round, over } = position
  if (over) return { running: false }
  return {
    running: true,
    round,
    rounds: timetable.rounds === Infinity ? null : timetable.rounds,
    elapsed_seconds: elapsedMs / 1_000,
    phase: phase
      ? {
          name: phase.name,
          deployment: phase.deployment ?? null,
          elapsed_seconds: (elapsedMs - phaseStartMs) / 1_000,
        }
      : null,
    next: next?.name ?? null,
    next_change_in_seconds: nextChangeMs === Infinity ? null : (nextChangeMs - elapsedMs) / 1_000,
  }
}
