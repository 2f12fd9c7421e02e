import { Counter, Gauge, Registry } from 'prom-client'
import { BucketHistogram, type BucketRow } from './bucket-histogram.ts'
import { RowGauge } from './deployment-gauges.ts'
import type { DurationSeries, RequestSeries, StatusSeries, Pacing } from './series-table.ts'
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
  registry.registerMetric(
    new RowGauge({
      name: 'aoai_active_requests',
      help: 'Requests without a complete answer, by deployment.',
      rows: async () =>
        Array.from(series(), ({ labels, active }) => ({ value: active, labels: { ...labels } })),
    }),
  )
  registry.registerMetric(
    new RowGauge({
      name: 'aoai_open_streams',
      help: 'Streams without a complete answer, by deployment.',
      rows: async () =>
        Array.from(series(), ({ labels, streams }) => ({ value: streams, labels: { ...labels } })),
    }),
  )
  // Includes requests with a key or token that is still verified.
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

/** Sources of the metrics of timing accuracy. */
export interface PacingSources {
  readonly registry: Registry
  readonly pacing: Pacing
  readonly isSlow: () => boolean
  readonly loopLag: () => LoopLagReading
}

/** Registers the metrics of timing accuracy. They are read when the registry is rendered. */
export function registerPacing({ registry, pacing, isSlow, loopLag }: PacingSources): void {
  const lateness = new BucketHistogram({
    name: 'aoai_simulator_lateness_seconds',
    help: 'Delay between planned and actual send time, for first-token, token and answer.',
    rows: () => Object.entries(pacing.series).map(([part, series]) => ({ labels: { part }, series })),
  })
  const bottleneck = new RowGauge({
    name: 'aoai_simulator_bottleneck',
    help: '1 if the simulator was the bottleneck in the last minute.',
    aggregator: 'max',
    rows: async () => [{ value: isSlow() ? 1 : 0, labels: {} }],
  })
  const lag = new RowGauge({
    name: 'aoai_simulator_event_loop_lag_seconds',
    help: 'Event-loop lag in the last five seconds with requests.',
    aggregator: 'max',
    rows: async () => {
      const { medianMs, p99Ms, maxMs } = loopLag()
      return [
        { value: medianMs / 1_000, labels: { stat: 'p50' } },
        { value: p99Ms / 1_000, labels: { stat: 'p99' } },
        { value: maxMs / 1_000, labels: { stat: 'max' } },
      ]
    },
  })
  for (const metric of [lateness, bottleneck, lag]) registry.registerMetric(metric)
}
