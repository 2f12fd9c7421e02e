import { Counter, Gauge, Registry } from 'prom-client'
import { BucketHistogram, type BucketRow } from './bucket-histogram.ts'
import type { DurationSeries, RequestSeries, StatusSeries } from './series-table.ts'

/** What the metrics of a simulator are read from. */
export interface RequestRegistrySources {
  readonly series: () => Iterable<RequestSeries>
  readonly inFlight: () => number
}

/** A value, and its labels beside those of the series. */
type Row = readonly [value: number, labels?: Readonly<Record<string, string | number>>]

const seriesLabels = ['resource', 'deployment', 'operation']

/** Describes the series to Prometheus. They are read when the registry is rendered, and cost nothing before. */
export function createRequestRegistry({ series, inFlight }: RequestRegistrySources): Registry {
  const registry = new Registry()

  const counter = (
    name: string,
    help: string,
    label: string | undefined,
    rowsOf: (one: RequestSeries) => Row[],
  ): Counter =>
    new Counter({
      name,
      help,
      labelNames: label === undefined ? seriesLabels : [...seriesLabels, label],
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
    'Answered requests, those whose client left included.',
    'status',
    ({ byStatus }) => [...byStatus].map(([status, { requests }]): Row => [requests, { status }]),
  )
  histogram(
    'aoai_request_duration_seconds',
    'Time from the arrival of a request to the end of its answer, added latency included; not of clients that left.',
    (one) => one.duration,
  )
  histogram(
    'aoai_request_base_duration_seconds',
    "Time from the arrival of a request until its answer is planned, without the wait for a slot: the simulator's own work and its upstream's.",
    (one) => one.baseDuration,
  )
  histogram(
    'aoai_time_to_first_token_seconds',
    'Time from the arrival of a request to the first byte of a streamed answer.',
    (one) => one.firstToken,
  )
  histogram(
    'aoai_queue_wait_seconds',
    'Time that requests waited for a slot of their deployment; those that found one free are not counted.',
    (one) => one.queueWait,
  )
  counter(
    'aoai_tokens_total',
    'Tokens of answered requests. Reasoning is a part of completion, and cached is a part of prompt.',
    'type',
    ({ tokens }) => Object.entries(tokens).map(([type, value]): Row => [value, { type }]),
  )
  counter(
    'aoai_rate_limited_requests_total',
    'Requests refused by a limit of their deployment, by the limit.',
    'reason',
    ({ rateLimited }) => Object.entries(rateLimited).map(([reason, value]): Row => [value, { reason }]),
  )
  counter(
    'aoai_client_disconnects_total',
    'Requests whose client left before the end of the answer.',
    undefined,
    ({ disconnects }) => [[disconnects]],
  )
  // Not by deployment: a request has none before it has been looked at.
  const gauge = new Gauge({
    name: 'aoai_requests_in_flight',
    help: 'Requests whose answer has not ended.',
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
