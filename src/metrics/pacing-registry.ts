import { Gauge, type Registry } from 'prom-client'
import type { MinuteLimits, Occupancy, Utilization } from '../limits/occupancy.ts'
import type { LoopLagReading } from '../lib/loop-lag.ts'
import { BucketHistogram } from './bucket-histogram.ts'
import { type Pacing, deploymentLabels } from './series-table.ts'

/** What the metrics of the simulator's own punctuality, and of its deployments' queues, are read from. */
export interface PacingSources {
  readonly registry: Registry
  readonly pacing: Pacing
  readonly isSlow: () => boolean
  readonly loopLag: () => LoopLagReading
  readonly occupancy: () => Iterable<Occupancy>
  readonly utilizations: () => Iterable<Utilization>
  readonly limits: () => Iterable<MinuteLimits>
}

/** Adds these metrics to a registry. They are read when the registry is rendered. */
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
    help: 'How long after its planned time a first token, another token, or a whole answer was sent.',
    rows: () => Object.entries(pacing.series).map(([part, series]) => ({ labels: { part }, series })),
  })
  registry.registerMetric(lateness)
  gauge(
    'aoai_simulator_bottleneck',
    '1 when the simulator itself was the slow part in the last minute.',
    [],
    () => [[isSlow() ? 1 : 0, {}]],
    'max',
  )
  gauge(
    'aoai_simulator_event_loop_lag_seconds',
    'How late the event loop was over the last five seconds with requests.',
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
    'Requests that a deployment with slots or load works on.',
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
    "Share of a deployment's provisioned throughput that is in use; 1 is 100 %.",
    ['resource', 'deployment'],
    () => [...utilizations()].map((used) => [used.share, labelsOf(used)] as const),
  )
  gauge(
    'aoai_deployment_limit_per_minute',
    'Tokens and requests that a pay-as-you-go deployment may have in a minute, as configured.',
    ['resource', 'deployment', 'type'],
    () =>
      [...limits()].flatMap(({ tokens, requests, ...place }) => {
        const row = [requests, { ...labelsOf(place), type: 'requests' }] as const
        return tokens === undefined ? [row] : [[tokens, { ...labelsOf(place), type: 'tokens' }] as const, row]
      }),
    // The processes of one simulator have one limit together.
    'max',
  )
}

function labelsOf({ resource, deployment }: { readonly resource: string; readonly deployment: string }) {
  return { ...deploymentLabels(resource, deployment) }
}
