import * as z from 'zod'
import { defaultResourceName, type ResourceConfig } from '../../config/config.ts'
import { type IncidentTimetable, parseIncidentFile } from '../../config/incident-file.ts'
import type { Clock } from '../../lib/clock.ts'
import type { IncidentState } from '../../faults/incidents.ts'
import type { Simulator } from '../simulator.ts'
import { errorAnswer, type Refusal, refuse, type AdminRoute, defineRoute } from './admin-route.ts'
import { resourceNotFound } from './deployment-routes.ts'

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
      ends_in_seconds: z.number().nullable().describe('Until the end of the last round. Null if endless.'),
      started_at: z.string().meta({ format: 'date-time' }),
      start_after_seconds: seconds.describe('Wait before the first round.'),
      phases: z
        .array(
          z.object({
            name: z.string(),
            deployment: z.string().nullable().describe('Null: all.'),
            start_seconds: seconds.describe('From the start of the round.'),
            end_seconds: seconds.nullable().describe('Null if endless.'),
          }),
        )
        .readonly(),
      timetable: z.record(z.string(), z.unknown()).describe('As `POST /++/incidents/start` accepts it.'),
    }),
    z.object({ running: z.literal(false) }),
  ])
  .meta({ id: 'IncidentState' })

/** For the documentation only: `parseIncidentFile` validates the text. */
const timetableSchema = z.custom<string>().meta({
  $ref: '#/components/schemas/IncidentTimetable',
})

const query = z.object({
  resource: z
    .string()
    .default(defaultResourceName)
    .describe('The resource of the timetable. `default` is the one without a prefix.'),
})

type State = z.output<typeof stateSchema>

/** Returns the routes of incidents. All of them answer with the state of the timetable. */
export function incidentRoutes(simulator: Simulator): readonly AdminRoute[] {
  const { incidents, clock } = simulator
  const state = (resource: string): Refusal | { readonly status: 200; readonly body: State } =>
    simulator.config.resources.has(resource)
      ? { status: 200, body: describeState(incidents.stateOf(resource), clock) }
      : resourceNotFound(simulator, resource)
  const answers = {
    200: { description: 'State of the timetable.', schema: stateSchema },
    404: errorAnswer('Unknown resource.'),
  }

  return [
    defineRoute({
      method: 'GET',
      path: '/++/incidents',
      operationId: 'getIncidents',
      summary: 'Get the state of the incident timetable',
      query,
      answers,
      handle: async ({ query: { resource } }) => state(resource),
    }),
    defineRoute({
      method: 'POST',
      path: '/++/incidents/start',
      operationId: 'startIncidents',
      summary: 'Start an incident timetable, replacing a running one',
      query,
      body: {
        kind: 'text',
        description:
          'Timetable in JSON or YAML (docs/incidents.md), at most 64 KB. Default: that of the resource, which is INCIDENTS_PATH for the default one.',
        schema: timetableSchema,
        example: {
          phases: [{ name: 'down', seconds: 60, faults: [{ probability: 1, fault: 'overloaded503' }] }],
        },
      },
      answers: { ...answers, 400: errorAnswer('The timetable is invalid or missing.') },
      async handle({ body, query: { resource } }) {
        const config = simulator.config.resources.get(resource)
        if (!config) return resourceNotFound(simulator, resource)
        const chosen = chooseTimetable(body, config, resource)
        if ('problems' in chosen) {
          return refuse(400, 'InvalidTimetable', chosen.problems.join('\n'), chosen.problems)
        }
        incidents.start(resource, chosen.timetable)
        return state(resource)
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/++/incidents/stop',
      operationId: 'stopIncidents',
      summary: 'Stop the incident timetable',
      query,
      answers,
      async handle({ query: { resource } }) {
        incidents.stop(resource)
        return state(resource)
      },
    }),
  ]
}

/** Enough for a thousand short phases, which is the maximum. Parsing YAML takes up to 2 ms per kilobyte. */
const MAX_TIMETABLE_BYTES = 64 * 1024

type TimetableChoice = { readonly timetable: IncidentTimetable } | { readonly problems: readonly string[] }

/** Returns the timetable of the body (JSON or YAML), or of the configuration of the resource if the body is empty. */
function chooseTimetable(
  source: string,
  { incidents, deployments }: ResourceConfig,
  resource: string,
): TimetableChoice {
  const setting =
    resource === defaultResourceName ? 'set INCIDENTS_PATH' : `set incidents of the resource ${resource}`
  if (source.trim() === '') {
    if (incidents) return { timetable: incidents }
    const problem = `Could not start incidents: there is no timetable. Send one as the body, or ${setting}.`
    return { problems: [problem] }
  }
  const bytes = Buffer.byteLength(source)
  if (bytes > MAX_TIMETABLE_BYTES) {
    const problem = `The timetable must have at most ${MAX_TIMETABLE_BYTES} bytes (got ${bytes}). Shorten it, or ${setting}.`
    return { problems: [problem] }
  }
  const { timetable, problems } = parseIncidentFile(source, 'body', new Set(deployments.keys()))
  return timetable ? { timetable } : { problems }
}

/** Converts a state to the form of the admin API; times in seconds. */
function describeState(state: IncidentState | undefined, clock: Clock): State {
  if (!state) return { running: false }
  const { timetable, elapsedMs, position } = state
  const { phase, phaseStartMs = 0, next, nextChangeMs, round, over } = position
  if (over) return { running: false }
  const { phases, startAfterMs, rounds } = timetable
  const endMs = startAfterMs + rounds * (phases.at(-1)?.endMs ?? 0)
  return {
    running: true,
    round,
    rounds: rounds === Infinity ? null : rounds,
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
    ends_in_seconds: endMs === Infinity ? null : (endMs - elapsedMs) / 1_000,
    started_at: new Date(clock.epochMs() - elapsedMs).toISOString(),
    start_after_seconds: startAfterMs / 1_000,
    phases: phases.map((one) => ({
      name: one.name,
      deployment: one.deployment ?? null,
      start_seconds: one.startMs / 1_000,
      end_seconds: one.endMs === Infinity ? null : one.endMs / 1_000,
    })),
    timetable: { ...timetable.source },
  }
}
