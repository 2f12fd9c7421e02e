import { Gauge, type Registry } from 'prom-client'
import type { Config } from '../config/config.ts'
import type { LimitReading } from '../limits/limit-readings.ts'
import type { Occupancy } from '../limits/occupancy.ts'
import type { LimitAmount } from '../limits/rate-limiter.ts'
import { deploymentLabels, resourceLabels } from './series-table.ts'

/** A value with its labels. */
export interface GaugeRow {
  readonly value: number
  readonly labels: Readonly<Record<string, string>>
}

/** Options of `RowGauge`. */
export interface RowGaugeOptions {
  readonly name: string
  readonly help: string
  /** How the values of several processes are merged. Default: `sum`. */
  readonly aggregator?: 'sum' | 'max'
  /** Returns the values. Called when the gauge is rendered. Labels of two rows must differ. */
  readonly rows: () => Promise<Iterable<GaugeRow>>
}

/**
 * A gauge that reads its values from `rows` when it is rendered, and does not hash the labels. It is not registered. Rows with a
 * labels object of an earlier rendering are rendered faster.
 */
export class RowGauge extends Gauge {
  readonly #options: RowGaugeOptions

  constructor(options: RowGaugeOptions) {
    super({ name: options.name, help: options.help, registers: [] })
    this.#options = options
  }

  override async get(): ReturnType<Gauge['get']> {
    const { name, help, aggregator = 'sum', rows } = this.#options
    // The types of prom-client 15 declare the properties of the options instead of those of the result.
    return { name, help, type: 'gauge', aggregator, values: [...(await rows())] } as never
  }

  /** Called by the registry instead of `get` for the text format. The registry caches the text of `sharedLabels` by object. */
  async getForPromString(): Promise<object> {
    const { name, help, rows } = this.#options
    const values = Array.from(await rows(), ({ value, labels }) => ({ value, sharedLabels: labels }))
    return { name, help, type: 'gauge', values }
  }
}

/** Sources of the metrics of resources and deployments. */
export interface DeploymentSources {
  /** The deployments with slots or load. */
  readonly occupancy: () => Iterable<Occupancy>
  /** The limits of all deployments. Absent in a worker: the primary has the state. */
  readonly limits?: (() => Promise<readonly LimitReading[]>) | undefined
  /** All resources by name. */
  readonly resources?: (() => Config['resources']) | undefined
}

/** Registers the metrics of resources and deployments. They are read when the registry is rendered. */
export function registerDeployments(registry: Registry, sources: DeploymentSources): void {
  const { occupancy, limits, resources } = sources
  const gauge = (options: RowGaugeOptions): void => registry.registerMetric(new RowGauge(options))
  const busy = (name: string, help: string, pick: (one: Occupancy) => number): void =>
    gauge({
      name,
      help,
      rows: async () =>
        Array.from(occupancy(), (one) => ({
          value: pick(one),
          labels: { ...deploymentLabels(one.resource, one.deployment) },
        })),
    })

  if (resources) {
    gauge({
      name: 'aoai_resource_info',
      help: 'Always 1. The labels are mode and region of the resource.',
      aggregator: 'max',
      rows: async () =>
        Array.from(resources(), ([resource, { mode, region }]) => ({
          value: 1,
          labels: { ...resourceLabels(resource), mode, region },
        })),
    })
  }
  busy(
    'aoai_deployment_requests_in_work',
    'Requests in progress, for deployments with slots or load.',
    ({ working }) => working,
  )
  busy(
    'aoai_deployment_requests_waiting',
    'Requests that wait for a slot of their deployment.',
    ({ waiting }) => waiting,
  )
  if (limits) registerLimits(gauge, limits)
}

interface LimitLabels {
  readonly all: GaugeRow['labels']
  readonly tokens: GaugeRow['labels']
  readonly outputTokens: GaugeRow['labels']
  readonly requests: GaugeRow['labels']
}

type LabelledReading = LimitReading & { readonly labels: LimitLabels }

/** The labels of deployments. The objects stay the same from one reading to the next. */
class LabelCache {
  #byResource = new Map<string, Map<string, LimitLabels>>()

  /** Adds the labels to a reading. Forgets deployments that are not in it. */
  addTo(readings: readonly LimitReading[]): LabelledReading[] {
    const before = this.#byResource
    const next: typeof before = new Map()
    const labelled = readings.map((reading) => {
      const { resource, deployment } = reading
      let ofResource = next.get(resource)
      if (!ofResource) next.set(resource, (ofResource = new Map()))
      const labels = before.get(resource)?.get(deployment) ?? limitLabels(resource, deployment)
      ofResource.set(deployment, labels)
      return { ...reading, labels }
    })
    this.#byResource = next
    return labelled
  }
}

function limitLabels(resource: string, deployment: string): LimitLabels {
  const all = { ...deploymentLabels(resource, deployment) }
  return {
    all,
    tokens: { ...all, type: 'tokens' },
    outputTokens: { ...all, type: 'output_tokens' },
    requests: { ...all, type: 'requests' },
  }
}

function registerLimits(
  gauge: (options: RowGaugeOptions) => void,
  limits: () => Promise<readonly LimitReading[]>,
): void {
  const cache = new LabelCache()
  const readNow = async (): Promise<readonly LabelledReading[]> => cache.addTo(await limits())
  // The gauges of one scrape share one reading.
  let reading: Promise<readonly LabelledReading[]> | undefined
  const read = (): Promise<readonly LabelledReading[]> =>
    (reading ??= readNow().finally(() => {
      reading = undefined
    }))
  const perMinute = (name: string, help: string, pick: (amount: LimitAmount) => number): void =>
    gauge({
      name,
      help,
      rows: async () =>
        (await read()).flatMap(({ use, output, labels }) => {
          if (use.kind === 'provisioned') return []
          const rows: GaugeRow[] = []
          if (use.tokens) rows.push({ value: pick(use.tokens), labels: labels.tokens })
          if (output) rows.push({ value: pick(output), labels: labels.outputTokens })
          if (use.requests) rows.push({ value: pick(use.requests), labels: labels.requests })
          return rows
        }),
    })

  gauge({
    name: 'aoai_deployment_utilization_ratio',
    help: 'Share of the provisioned throughput in use. 1 is 100 %.',
    rows: async () =>
      (await read()).flatMap(({ use, labels }) =>
        use.kind === 'provisioned' ? [{ value: use.utilization, labels: labels.all }] : [],
      ),
  })
  perMinute(
    'aoai_deployment_limit_per_minute',
    'Limits of pay-as-you-go deployments, in tokens and requests per minute, with the factor of the current incident phase.',
    ({ limit }) => limit,
  )
  perMinute(
    'aoai_deployment_used_per_minute',
    'Tokens and requests of the last minute that count towards the limits of pay-as-you-go deployments.',
    ({ used }) => used,
  )
  perMinute(
    'aoai_deployment_remaining_per_minute',
    'Remaining tokens and requests of pay-as-you-go deployments: the limit minus the use, at least 0.',
    ({ limit, used }) => Math.max(0, limit - used),
  )
}
