import { AggregatorRegistry, type MetricObject, type Registry } from 'prom-client'

/** A metric with its values, as a registry tells it in JSON. */
type MetricJson = MetricObject & { readonly values?: readonly ValueJson[] }

interface ValueJson {
  readonly value: number
  readonly labels: Readonly<Record<string, string | number>>
  readonly metricName?: string
}

/** The metrics of one process, for another one to merge with those of others. */
export interface MetricsJson {
  /** Those of the simulator, which are merged: see `merge`. */
  readonly simulator: readonly MetricJson[]
  /** Those of the process, which stand by themselves. */
  readonly process: readonly MetricJson[]
}

/** The metrics of one process, and the name that it has among the others. */
export interface NamedMetrics {
  /** The value of the label `worker` of the metrics of its process. */
  readonly worker: string
  readonly metrics: MetricsJson
}

/** Tells of a process in JSON. */
export async function metricsJson(simulator: Registry, process: Registry): Promise<MetricsJson> {
  return {
    simulator: (await simulator.getMetricsAsJSON()) as MetricJson[],
    process: (await process.getMetricsAsJSON()) as MetricJson[],
  }
}

/** How many requests of a process have an answer that has not ended. */
export function inFlightOf({ simulator }: MetricsJson): number {
  return simulator.find(({ name }) => name === 'aoai_requests_in_flight')?.values?.[0]?.value ?? 0
}

/** What is left of a process that has ended: its counters and histograms. */
export function countsOf({ simulator }: MetricsJson): MetricsJson {
  return { simulator: simulator.filter(({ type }) => isCount(type)), process: [] }
}

/** Metrics of several processes as those of one. */
export async function sumOf(all: readonly MetricsJson[]): Promise<MetricsJson> {
  const sum = aggregated(all.map(({ simulator }) => simulator))
  return { simulator: (await sum.getMetricsAsJSON()) as MetricJson[], process: [] }
}

/**
 * The metrics of several processes as those of one service, in the text format of Prometheus. Counters and histograms are
 * summed, and gauges, too, but for those that name another way (`aggregator`). The metrics of the processes themselves get
 * the label `worker`.
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
  // As JSON of this process or of another one; the types of prom-client have numbers, its values words.
  return type === 'counter' || type === 'histogram'
}
