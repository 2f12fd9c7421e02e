import { AggregatorRegistry, type MetricObject, type Registry } from 'prom-client'

/** A metric with its values, in the JSON format of a registry. */
type MetricJson = MetricObject & { readonly values?: readonly ValueJson[] }

interface ValueJson {
  readonly value: number
  readonly labels: Readonly<Record<string, string | number>>
  readonly metricName?: string
}

/** The metrics of one process, to merge with those of other processes. */
export interface MetricsJson {
  /** Metrics of the simulator, which are merged by `mergeMetrics`. */
  readonly simulator: readonly MetricJson[]
  /** Metrics of the process, which get the label `worker`. */
  readonly process: readonly MetricJson[]
}

/** The metrics of one process, with its name. */
export interface NamedMetrics {
  /** Value of the label `worker`. */
  readonly worker: string
  readonly metrics: MetricsJson
}

/** The metrics of a process as JSON. */
export async function metricsJson(simulator: Registry, process: Registry): Promise<MetricsJson> {
  return {
    simulator: (await simulator.getMetricsAsJSON()) as MetricJson[],
    process: (await process.getMetricsAsJSON()) as MetricJson[],
  }
}

/** Number of requests in flight of a process. */
export function inFlightOf({ simulator }: MetricsJson): number {
  return simulator.find(({ name }) => name === 'aoai_requests_in_flight')?.values?.[0]?.value ?? 0
}

/** The metrics of a process that remain valid after it has exited: counters and histograms. */
export function countsOf({ simulator }: MetricsJson): MetricsJson {
  return { simulator: simulator.filter(({ type }) => isCount(type)), process: [] }
}

/** Returns the metrics without the series of resources, by name. */
export function withoutResources(
  { simulator, process }: MetricsJson,
  names: ReadonlySet<string>,
): MetricsJson {
  const isKept = ({ labels }: ValueJson): boolean => !names.has(String(labels['resource']))
  return {
    simulator: simulator.map((metric) => ({
      ...metric,
      ...(metric.values && { values: metric.values.filter(isKept) }),
    })),
    process,
  }
}

/** Merges the simulator metrics of several processes into one. */
export async function sumOf(all: readonly MetricsJson[]): Promise<MetricsJson> {
  const sum = aggregated(all.map(({ simulator }) => simulator))
  return { simulator: (await sum.getMetricsAsJSON()) as MetricJson[], process: [] }
}

/**
 * Merges the metrics of several processes, in the text format of Prometheus. Counters, histograms and gauges are summed, except for
 * gauges with another `aggregator`. Metrics of the processes get the label `worker`.
 */
export async function mergeMetrics(processes: readonly NamedMetrics[]): Promise<string> {
  const merged = aggregated(processes.map(({ metrics }) => metrics.simulator))
  const labelled = processes.map(({ worker, metrics }) =>
    metrics.process.map((metric) => ({
      ...metric,
      aggregator: 'sum',
      values: metric.values?.map((value) => ({ ...value, labels: { ...value.labels, worker } })) ?? [],
    })),
  )
  return `${await merged.metrics()}\n${await aggregated(labelled).metrics()}`
}

function aggregated(all: readonly (readonly unknown[])[]): Registry {
  // prom-client types the lists as objects.
  return AggregatorRegistry.aggregate(all as unknown as object[])
}

function isCount(type: unknown): boolean {
  // prom-client declares the type as a number, but its values are strings.
  return type === 'counter' || type === 'histogram'
}
