import { z } from 'zod'
import type { Metrics } from '../../metrics/metrics.ts'
import { type RequestStats, statsOf, type UpstreamStats } from '../../metrics/stats.ts'
import type { TimeSummary } from '../../metrics/time-histogram.ts'
import { eventStream, eventStreamType } from '../event-stream.ts'
import type { Simulator } from '../simulator.ts'
import { type AdminRoute, defineRoute, errorAnswer } from './admin-route.ts'
import { resourceNotFound } from './deployment-routes.ts'
import type { LiveFeed } from './live-feed.ts'
import type { Durations } from './live-stats.ts'

const count = z.int().min(0)
const ms = z.number()
const byStatus = z.record(z.string(), count)

const durationSchema = z.object({ count, mean: ms, p50: ms, p95: ms, p99: ms }).meta({
  id: 'Durations',
  description: 'Milliseconds. Quantiles are exact to the bucket of the histogram in /metrics.',
})

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
}
const requestsSchema = z.object(requestShape).meta({ id: 'RequestStats' })

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
        const { totals, resources, upstreams } = statsOf(await metrics.toJson(), resource)
        const uptimeMs = clock.nowMs() - startedMs
        const body = {
          started_at: new Date(clock.epochMs() - uptimeMs).toISOString(),
          uptime_seconds: uptimeMs / 1_000,
          totals: requestsJson(totals),
          resources: objectOf(resources, ({ deployments, ...own }) => ({
            ...requestsJson(own),
            deployments: objectOf(deployments, requestsJson),
          })),
          upstreams: objectOf(upstreams, upstreamJson),
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
function objectOf<V, R>(map: ReadonlyMap<string, V>, change: (value: V) => R): Record<string, R> {
  return Object.fromEntries(Array.from(map, ([key, value]) => [key, change(value)]))
}

function requestsJson(stats: RequestStats) {
  return {
    requests: stats.requests,
    errors: stats.errors,
    by_status: { ...stats.byStatus },
    active: stats.active,
    tokens: { ...stats.tokens },
    rate_limited: { ...stats.rateLimited },
    client_disconnects: stats.disconnects,
    latency_ms: durationJson(stats.latency),
    first_token_ms: durationJson(stats.firstToken),
  }
}

function upstreamJson(stats: UpstreamStats) {
  return {
    requests: stats.requests,
    errors: stats.errors,
    by_status: { ...stats.byStatus },
    retries: stats.retries,
    latency_ms: durationJson(stats.latency),
    first_byte_ms: durationJson(stats.firstByte),
  }
}

function durationJson(durations: TimeSummary | undefined): Durations | null {
  return durations ?? null
}
