import { Counter, Gauge, Registry } from 'prom-client'
import { BucketHistogram, type BucketRow } from './bucket-histogram.ts'
import {
  type DurationSeries,
  type RequestSeries,
  type StatusSeries,
  type Pacing,
  deploymentLabels,
} from './series-table.ts'
import type { MinuteLimits, Occupancy, Utilization } from '../limits/occupancy.ts'
import type { LoopLagReading } from '../lib/loop-lag.ts'

/** Sources of the request metrics. */
export interface RequestRegistrySources {
  readonly series: () => Iterable<RequestSeries>
  readonly inFlight: () => number
}

/** A value with its additional labels. */
type Row = readonly [value: number, labels?: Readonly<Record<string, string | number>>]

const seriesLabels = ['resource', 'deployment', 'operation']

/** Registers the request metrics. They are read when the registry is rendered. */
export function createRequestRegistry({ series, inFlight }: RequestRegistrySources): Registry {
  const registry = new Registry()

  const counter = (
    name: string,
    help: string,
    label: string | readonly string[] | undefined,
    rowsOf: (one: RequestSeries) => Row[],
  ): Counter =>
    new Counter({
      name,
      help,
      labelNames: [...seriesLabels, ...[label ?? []].flat()],
      registers: [registry],
      collect() {
        this.reset()
        for (const one of series()) {
          for (const [value, labels] of rowsOf(one)) this.labels({ ...one.labels, ...labels }).inc(value)
        }
      },
    })

  const histogram = (name: string, help: string, pick: (series: StatusSeries) => DurationSeries): void => {
    const rows = (): Iterable<BucketRow> => byStatus(series(), pick)
    registry.registerMetric(new BucketHistogram({ name, help, rows }))
  }

  counter(
    'aoai_requests_total',
    'Answered requests, including those with a disconnected client.',
    'status',
    ({ byStatus }) => [...byStatus].map(([status, { requests }]): Row => [requests, { status }]),
  )
  histogram(
    'aoai_request_duration_seconds',
    'Time from the arrival of a request to the end of its answer, including simulated latency. Excludes disconnected clients.',
    (one) => one.duration,
  )
  histogram(
    'aoai_request_base_duration_seconds',
    'Time from the arrival of a request until its answer is planned, without the wait for a slot: processing by the simulator and its upstream.',
    (one) => one.baseDuration,
  )
  histogram(
    'aoai_time_to_first_token_seconds',
    'Time from the arrival of a request to the first byte of a streamed answer.',
    (one) => one.firstToken,
  )
  histogram(
    'aoai_queue_wait_seconds',
    'Time that requests waited for a slot of their deployment. Excludes requests that did not wait.',
    (one) => one.queueWait,
  )
  counter(
    'aoai_tokens_total',
    'Tokens of answered requests. completion includes reasoning, and prompt includes cached.',
    'type',
    ({ tokens }) => Object.entries(tokens).map(([type, value]): Row => [value, { type }]),
  )
  counter(
    'aoai_rate_limited_requests_total',
    'Requests rejected by a limit of their deployment, by limit.',
    'reason',
    ({ rateLimited }) => Object.entries(rateLimited).map(([reason, value]): Row => [value, { reason }]),
  )
  counter(
    'aoai_service_tier_requests_total',
    'Requests for chat and responses, by the tier that they ask for and the tier that processed them.',
    ['request_tier', 'response_tier'],
    ({ tiers }) =>
      [...tiers].map(({ requested, served, count }): Row => [
        count,
        { request_tier: requested, response_tier: served },
      ]),
  )
  counter(
    'aoai_client_disconnects_total',
    'Requests with a client that disconnected before the end of the answer.',
    undefined,
    ({ disconnects }) => [[disconnects]],
  )
  // Without a deployment label, because the deployment is not known at the start of a request.
  const gauge = new Gauge({
    name: 'aoai_requests_in_flight',
    help: 'Requests in flight: their answer has not ended.',
    registers: [],
    collect() {
      this.set(inFlight())
    },
  })
  registry.registerMetric(gauge)
  return registry
}

function* byStatus(
  all: Iterable<RequestSeries>,
  pick: (series: StatusSeries) => DurationSeries,
): Generator<BucketRow> {
  for (const { labels, byStatus: statuses } of all) {
    for (const [status, one] of statuses) {
      yield { labels: { ...labels, status }, series: pick(one) }
    }
  }
}

/** Sources of the metrics of timing accuracy and deployments. */
export interface PacingSources {
  readonly registry: Registry
  readonly pacing: Pacing
  readonly isSlow: () => boolean
  readonly loopLag: () => LoopLagReading
  readonly occupancy: () => Iterable<Occupancy>
  readonly utilizations: () => Iterable<Utilization>
  readonly limits: () => Iterable<MinuteLimits>
}

/** Registers the metrics of timing accuracy and deployments. They are read when the registry is rendered. */
export function registerPacing(sources: PacingSources): void {
  const { registry, pacing, isSlow, loopLag, occupancy, utilizations, limits } = sources
  const gauge = (
    name: string,
    help: string,
    labelNames: string[],
    rows: () => Iterable<readonly [value: number, labels: Readonly<Record<string, string>>]>,
    aggregator: 'sum' | 'max' = 'sum',
  ): void => {
    const made = new Gauge({
      name,
      help,
      labelNames,
      aggregator,
      registers: [],
      collect() {
        this.reset()
        for (const [value, labels] of rows()) this.labels(labels).set(value)
      },
    })
    registry.registerMetric(made)
  }

  const lateness = new BucketHistogram({
    name: 'aoai_simulator_lateness_seconds',
    help: 'Delay between planned and actual send time, for first-token, token and answer.',
    rows: () => Object.entries(pacing.series).map(([part, series]) => ({ labels: { part }, series })),
  })
  registry.registerMetric(lateness)
  gauge(
    'aoai_simulator_bottleneck',
    '1 if the simulator was the bottleneck in the last minute.',
    [],
    () => [[isSlow() ? 1 : 0, {}]],
    'max',
  )
  gauge(
    'aoai_simulator_event_loop_lag_seconds',
    'Event-loop lag in the last five seconds with requests.',
    ['stat'],
    () => {
      const { medianMs, p99Ms, maxMs } = loopLag()
      return [
        [medianMs / 1_000, { stat: 'p50' }],
        [p99Ms / 1_000, { stat: 'p99' }],
        [maxMs / 1_000, { stat: 'max' }],
      ]
    },
    'max',
  )
  gauge(
    'aoai_deployment_requests_in_work',
    'Requests in progress, for deployments with slots or load.',
    ['resource', 'deployment'],
    () => [...occupancy()].map((busy) => [busy.working, labelsOf(busy)] as const),
  )
  gauge(
    'aoai_deployment_requests_waiting',
    'Requests that wait for a slot of their deployment.',
    ['resource', 'deployment'],
    () => [...occupancy()].map((busy) => [busy.waiting, labelsOf(busy)] as const),
  )
  gauge(
    'aoai_deployment_utilization_ratio',
    'Share of the provisioned throughput in use. 1 is 100 %.',
    ['resource', 'deployment'],
    () => [...utilizations()].map((used) => [used.share, labelsOf(used)] as const),
  )
  gauge(
    'aoai_deployment_limit_per_minute',
    'Configured limits of pay-as-you-go deployments, in tokens and requests per minute.',
    ['resource', 'deployment', 'type'],
    () =>
      [...limits()].flatMap(({ tokens, requests, ...names }) => {
        const row = [requests, { ...labelsOf(names), type: 'requests' }] as const
        return tokens === undefined ? [row] : [[tokens, { ...labelsOf(names), type: 'tokens' }] as const, row]
      }),
    // The processes of a simulator share one limit.
    'max',
  )
}

function labelsOf({ resource, deployment }: { readonly resource: string; readonly deployment: string }) {
  return { ...deploymentLabels(resource, deployment) }
}
