import type { Context } from 'hono'
import { parseIncidentFile } from '../config/incident-file.ts'
import type { IncidentTimetable } from '../config/incident-timetable.ts'
import type { IncidentState } from '../faults/incidents.ts'
import { invalidKey } from '../openai/errors.ts'
import { carriesKey } from '../pipeline/authenticate.ts'
import type { AppEnv } from './app-env.ts'
import type { App } from './app.ts'
import { readWebBody } from './read-body.ts'
import type { Simulator } from './simulator.ts'

/** Room for a thousand phases with faults. */
const largestTimetableBytes = 1024 * 1024

/**
 * Lays out the administration of incidents: start, stop, and where the timetable stands. All of them need the key and
 * answer with the state.
 */
export function addIncidentRoutes(app: App, simulator: Simulator): void {
  const { incidents, config } = simulator

  const guarded =
    (answer: (context: Context<AppEnv>) => Promise<Response> | Response) =>
    (context: Context<AppEnv>): Promise<Response> | Response => {
      const headers = {
        'api-key': context.req.header('api-key'),
        authorization: context.req.header('authorization'),
      }
      if (carriesKey(headers, config.apiKey)) return answer(context)
      const { status, body, contentType = '' } = invalidKey()
      return new Response(body, { status, headers: { 'Content-Type': contentType } })
    }
  const state = (context: Context<AppEnv>): Response => context.json(describeState(incidents.state))

  app.get('/++/incidents', guarded(state))
  app.post(
    '/++/incidents/start',
    guarded(async (context) => {
      const chosen = await readTimetable(context.req.raw, simulator)
      if ('problems' in chosen) return refuse(context, chosen.problems)
      incidents.start(chosen.timetable)
      return state(context)
    }),
  )
  app.post(
    '/++/incidents/stop',
    guarded((context) => {
      incidents.stop()
      return state(context)
    }),
  )
}

type Chosen = { readonly timetable: IncidentTimetable } | { readonly problems: readonly string[] }

/** The timetable of the body, JSON or YAML, or without a body that of the configuration. */
async function readTimetable(request: Request, { config }: Simulator): Promise<Chosen> {
  const body = await readWebBody(request, largestTimetableBytes)
  if (body.kind !== 'read') {
    return { problems: [`The timetable must have at most ${largestTimetableBytes} bytes. Make it shorter.`] }
  }
  const source = body.bytes.toString('utf8')
  if (source.trim() === '') {
    return config.incidents
      ? { timetable: config.incidents }
      : { problems: ['There is no timetable: send one as the body, or set INCIDENTS_PATH.'] }
  }
  const { timetable, problems } = parseIncidentFile(source, 'body', new Set(config.deployments.keys()))
  return timetable ? { timetable } : { problems }
}

function refuse(context: Context<AppEnv>, problems: readonly string[]): Response {
  const error = { code: 'InvalidTimetable', message: problems.join('\n') }
  return context.json({ error }, 400)
}

/** The state as the administration tells it; times in seconds. */
function describeState(state: IncidentState | undefined): object {
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
