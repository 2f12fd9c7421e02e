import { AggregatorRegistry, type MetricObject, type Registry } from 'prom-client'
import type { Bottleneck } from './bottleneck.ts'
import { AnswerTimes, type Times } from './time-histogram.ts'

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
  /** Times of answers by deployment, with finer buckets than those of /metrics. */
  readonly times: readonly DeploymentTimes[]
  /** Why the simulator was the bottleneck in the last minute; absent if it was not. */
  readonly bottleneck?: Bottleneck | undefined
  /** Time that the slowest process needed for its metrics, in milliseconds. */
  readonly tookMs: number
  /** Number of processes that serve requests. */
  readonly workers: number
}

/** The times of the answers of a deployment. */
export interface DeploymentTimes {
  /** Label of the resource. */
  readonly resource: string
  /** Label of the deployment; empty without one. */
  readonly deployment: string
  readonly times: Times
}

/** Metrics of no process. */
export const noMetrics: MetricsJson = { simulator: [], process: [], times: [], tookMs: 0, workers: 0 }

/** The metrics of one process, with its name. */
export interface NamedMetrics {
  /** Value of the label `worker`. */
  readonly worker: string
  readonly metrics: MetricsJson
}

/**
 * The metrics of a registry as JSON.
 *
 * @param names only these; default: all
 */
export async function registryJson(registry: Registry, names?: ReadonlySet<string>): Promise<MetricJson[]> {
  if (!names) return (await registry.getMetricsAsJSON()) as MetricJson[]
  const metrics = registry.getMetricsAsArray().filter(({ name }) => names.has(name))
  // prom-client types the metrics as descriptions.
  return Promise.all(metrics.map((metric) => (metric as unknown as { get(): Promise<MetricJson> }).get()))
}

/** Number of requests in flight of a process. */
export function inFlightOf({ simulator }: MetricsJson): number {
  return simulator.find(({ name }) => name === 'aoai_requests_in_flight')?.values?.[0]?.value ?? 0
}

/** The metrics of a process that remain valid after it has exited: counters and histograms. */
export function countsOf({ simulator, times }: MetricsJson): MetricsJson {
  return { ...noMetrics, simulator: simulator.filter(({ type }) => isCount(type)), times }
}

/** Returns the metrics without the series of resources, by name. */
export function withoutResources(
  { simulator, times, ...others }: MetricsJson,
  names: ReadonlySet<string>,
): MetricsJson {
  const isKept = ({ labels }: ValueJson): boolean => !names.has(String(labels['resource']))
  return {
    simulator: simulator.map((metric) => ({
      ...metric,
      ...(metric.values && { values: metric.values.filter(isKept) }),
    })),
    ...others,
    times: times.filter(({ resource }) => !names.has(resource)),
  }
}

/** Merges the simulator metrics of several processes into one. */
export async function sumOf(all: readonly MetricsJson[]): Promise<MetricsJson> {
  const sum = aggregated(all.map(({ simulator }) => simulator))
  const slow = all.flatMap(({ bottleneck }) => bottleneck ?? [])
  return {
    simulator: await registryJson(sum),
    process: [],
    times: sumOfTimes(all.flatMap(({ times }) => times)),
    // The one with the most late parts.
    bottleneck: slow.toSorted((a, b) => b.lateParts - a.lateParts)[0],
    tookMs: Math.max(0, ...all.map(({ tookMs }) => tookMs)),
    workers: all.reduce((sum, { workers }) => sum + workers, 0),
  }
}

/** Adds up the times of the same deployment. */
export function sumOfTimes(all: readonly DeploymentTimes[]): DeploymentTimes[] {
  const sums = new Map<string, DeploymentTimes & { readonly times: AnswerTimes }>()
  for (const { resource, deployment, times } of all) {
    const key = JSON.stringify([resource, deployment])
    const sum = sums.get(key) ?? { resource, deployment, times: new AnswerTimes() }
    sum.times.merge(times)
    sums.set(key, sum)
  }
  return [...sums.values()]
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
