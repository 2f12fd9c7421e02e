import * as z from 'zod'
import type { Metrics } from '../../metrics/metrics.ts'
import { type RequestStats, statsMetrics, statsOf, summaryOfBuckets } from '../../metrics/stats.ts'
import { eventStream, eventStreamType } from '../event-stream.ts'
import type { Simulator } from '../simulator.ts'
import { type AdminRoute, defineRoute, errorAnswer } from './admin-route.ts'
import { resourceNotFound } from './deployment-routes.ts'
import type { LiveFeed } from './live-feed.ts'
import { type LiveState, limitsSchema, noLiveState, slotsSchema, viewLiveStates } from './deployment-view.ts'
import { upstreamJson } from './live-reading.ts'
import { incidentStates, plannedAndAchieved, simulatorState } from './simulator-state.ts'

const count = z.int().min(0)
const ms = z.number()
const text = z.string()
const time = z.string().meta({ format: 'date-time' })
const byStatus = z.record(z.string(), count)

const durationSchema = z.object({ count, mean: ms, p50: ms, p95: ms, p99: ms }).meta({
  id: 'Durations',
  description: 'Milliseconds. Quantiles are exact to the bucket of the histogram in /metrics.',
})

const plannedSchema = z
  .object({
    planned: durationSchema
      .nullable()
      .describe(
        'From latency settings, faults and headers; 0 if answers are due immediately. Null without an answer with a plan, such as for forwarded answers.',
      ),
    achieved: durationSchema.nullable(),
  })
  .meta({ id: 'PlannedAndAchieved', description: 'Times of streams. Quantiles are within 1.6 %.' })

const requestShape = {
  requests: count.describe('Answered requests.'),
  errors: count.describe('Those with a status of 400 or above.'),
  by_status: byStatus,
  active: count.describe('Requests without a complete answer.'),
  tokens: z.object({ prompt: count, completion: count, reasoning: count, cached: count }),
  rate_limited: z
    .object({ tokens: count, requests: count, capacity: count })
    .describe('429s by the limit that was exceeded.'),
  client_disconnects: count,
  latency_ms: durationSchema
    .nullable()
    .describe('From arrival to the end of the answer, for 2xx answers; null without one.'),
  first_token_ms: durationSchema
    .nullable()
    .describe('From arrival to the first token, for streams; null without one.'),
  streams: count.describe('Streams without a complete answer.'),
  queue: count.describe('Requests that wait for a slot.'),
  faults: byStatus.describe('Injected faults by name.'),
  timing: z.object({ first_token: plannedSchema, between_tokens: plannedSchema }),
  limits: limitsSchema.describe('As in `live` of a deployment. Null without limits, and in sums.'),
  slots: slotsSchema.describe('As in `live` of a deployment. Null without slots, and in sums.'),
}
const requestsSchema = z.object(requestShape).meta({ id: 'RequestStats' })

const simulatorSchema = z
  .object({
    version: text,
    mode: text.describe('Mode of the default resource.'),
    clock: z.enum(['system', 'virtual']),
    now: time.describe('Time of the clock.'),
    uptime_seconds: z.number().min(0),
    workers: count.describe('Number of processes that serve requests.'),
    keeps_up: z
      .boolean()
      .describe(
        'False if the simulator was the bottleneck in the last minute: measured times then do not describe the simulated service.',
      ),
    bottleneck: text.nullable().describe('What was late, and what to do; null if the simulator keeps up.'),
    lateness_ms: durationSchema
      .nullable()
      .describe(
        'Delay between planned and actual send time, since the start. Null if nothing had a planned time.',
      ),
    event_loop_lag_ms: z
      .object({ p50: ms, p99: ms, max: ms })
      .describe('In the last five seconds with requests, of the slowest process.'),
    in_flight: count,
    open_streams: count,
    config_store: z
      .object({ kind: text, pending: count, state: text.describe('saved, saving or failing.') })
      .nullable()
      .describe('Null without CONFIG_STORE.'),
    journal: z.boolean().describe('Whether the journal is on (JOURNAL_SIZE).'),
    recordings: z
      .object({ writing: z.enum(['ok', 'failing']), lost: count })
      .nullable()
      .describe('Null if nothing is recorded.'),
  })
  .meta({ id: 'SimulatorState' })

const incidentsSchema = z
  .object({
    running: z.boolean(),
    phase: text.nullable().describe('Null between phases, and if no timetable is running.'),
    round: count.describe('Counted from 1; 0 before the first round.'),
    rounds: count.nullable().describe('Null if endless.'),
    started_at: time.nullable(),
    round_started_at: time.nullable(),
    ends_at: time.nullable().describe('Null if endless.'),
    phases: z
      .array(
        z.object({
          name: text,
          deployment: text.nullable().describe('Null: all.'),
          starts_at_seconds: z.number().min(0),
          ends_at_seconds: z.number().nullable().describe('Null: endless.'),
        }),
      )
      .readonly()
      .describe('Seconds from the start of a round.'),
  })
  .meta({ id: 'IncidentProgress' })

const upstreamSchema = z
  .object({
    requests: count.describe('Attempts, including repetitions.'),
    errors: count.describe('Attempts without an answer, or with a status of 400 or above.'),
    by_status: byStatus.describe('By status, or by the code of a failure.'),
    retries: count,
    latency_ms: durationSchema.nullable(),
    first_byte_ms: durationSchema.nullable(),
  })
  .meta({ id: 'UpstreamStats' })

const statsSchema = z
  .object({
    started_at: z.string().meta({ format: 'date-time' }),
    uptime_seconds: z.number().min(0),
    totals: requestsSchema.describe('Of all resources, or of the one in the query.'),
    resources: z
      .record(z.string(), z.object({ ...requestShape, deployments: z.record(z.string(), requestsSchema) }))
      .describe('By name. The name of a deployment is empty for requests without one.'),
    upstreams: z.record(z.string(), upstreamSchema).describe('By name, of all resources.'),
    simulator: simulatorSchema,
    incidents: z.record(z.string(), incidentsSchema).describe('Of resources that have had a timetable.'),
  })
  .meta({ id: 'Stats' })

/**
 * Returns the route of the stats.
 *
 * @param metrics of all processes
 * @param startedMs start of the simulator on the monotonic scale of its clock
 */
export function statsRoutes(
  simulator: Simulator,
  metrics: Pick<Metrics, 'toJson'>,
  startedMs: number,
): readonly AdminRoute[] {
  const { clock } = simulator
  return [
    defineRoute({
      method: 'GET',
      path: '/++/stats',
      operationId: 'getStats',
      summary: 'Get counts, tokens and times since the start',
      description: 'The same numbers as /metrics, of all workers.',
      query: z.object({
        resource: z
          .string()
          .optional()
          .describe('Only this resource. `default` is the one without a prefix.'),
      }),
      answers: {
        200: { description: 'The stats.', schema: statsSchema },
        404: errorAnswer('Unknown resource.'),
      },
      async handle({ query: { resource } }) {
        if (resource !== undefined && !simulator.config.resources.has(resource))
          return resourceNotFound(simulator, resource)
        const stats = statsOf(await metrics.toJson(statsMetrics), resource)
        const { totals, resources, upstreams, processes } = stats
        const states = new Map<string, ReadonlyMap<string, LiveState>>()
        for (const name of resources.keys()) states.set(name, await viewLiveStates(simulator, name))
        const uptimeMs = clock.nowMs() - startedMs
        const body = {
          started_at: new Date(clock.epochMs() - uptimeMs).toISOString(),
          uptime_seconds: uptimeMs / 1_000,
          totals: requestsJson(totals),
          resources: objectOf(resources, ({ deployments, ...own }, name) => ({
            ...requestsJson(own),
            deployments: objectOf(deployments, (one, deployment) =>
              requestsJson(one, states.get(name)?.get(deployment)),
            ),
          })),
          upstreams: objectOf(upstreams, upstreamJson),
          simulator: simulatorState(simulator, {
            startedMs,
            processes,
            lateness: summaryOfBuckets(processes.lateness),
          }),
          incidents: incidentStates(simulator, resource),
        }
        return { status: 200, body }
      },
    }),
  ]
}

/** Returns the route of live events. */
export function eventRoutes(simulator: Simulator, feed: LiveFeed): readonly AdminRoute[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/++/events',
      operationId: 'streamEvents',
      summary: 'Follow figures, changes and log entries as server-sent events',
      description:
        '`hello` is the first event. `stats` contains all figures in the first event, and after that, once a second, those that have changed; ' +
        '`log` a log entry (LogEntry), `incident` the timetable of a resource that has changed, `config` the time of a change of the configuration, and ' +
        '`dropped` the number of entries that were not sent, because there were more than 20 a second. docs/admin.md has the members.',
      query: z.object({
        resource: z
          .string()
          .optional()
          .describe('Only this resource. `default` is the one without a prefix.'),
      }),
      answers: {
        200: {
          description: 'An endless stream of events.',
          contentType: eventStreamType,
          schema: z.string(),
        },
        404: errorAnswer('Unknown resource.'),
      },
      async handle({ query: { resource } }) {
        if (resource !== undefined && !simulator.config.resources.has(resource))
          return resourceNotFound(simulator, resource)
        return { status: 200, stream: eventStream(feed.open(resource)) }
      },
    }),
  ]
}

/** An own property for each key, also for `__proto__`. */
function objectOf<V, R>(
  map: ReadonlyMap<string, V>,
  change: (value: V, key: string) => R,
): Record<string, R> {
  return Object.fromEntries(Array.from(map, ([key, value]) => [key, change(value, key)]))
}

function requestsJson(stats: RequestStats, state: LiveState = noLiveState) {
  const { firstPlanned, firstAchieved, gapPlanned, gapAchieved } = stats.times
  return {
    requests: stats.requests,
    errors: stats.errors,
    by_status: { ...stats.byStatus },
    active: stats.active,
    tokens: { ...stats.tokens },
    rate_limited: { ...stats.rateLimited },
    client_disconnects: stats.disconnects,
    latency_ms: stats.latency ?? null,
    first_token_ms: stats.firstToken ?? null,
    streams: stats.streams,
    queue: stats.queue,
    faults: { ...stats.faults },
    timing: {
      first_token: plannedAndAchieved(firstPlanned, firstAchieved),
      between_tokens: plannedAndAchieved(gapPlanned, gapAchieved),
    },
    ...state,
  }
}
