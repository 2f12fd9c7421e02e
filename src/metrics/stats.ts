import { defaultResourceName } from '../config/config.ts'
import type { Bottleneck } from './bottleneck.ts'
import type { MetricsJson } from './merge-metrics.ts'
import { AnswerTimes, type Times, type TimeSummary } from './time-histogram.ts'

/** Counts since the start. */
export interface RequestStats {
  readonly requests: number
  /** Requests with a status of 400 or above. */
  readonly errors: number
  readonly byStatus: Readonly<Record<string, number>>
  /** Requests without a complete answer. */
  readonly active: number
  readonly tokens: Readonly<Record<'prompt' | 'completion' | 'reasoning' | 'cached', number>>
  /** 429s by limit. */
  readonly rateLimited: Readonly<Record<'tokens' | 'requests' | 'capacity', number>>
  readonly disconnects: number
  /** Streams without a complete answer. */
  readonly streams: number
  /** Requests that wait for a slot. */
  readonly queue: number
  /** Injected faults by name. */
  readonly faults: Readonly<Record<string, number>>
  /** Times in finer buckets than those of /metrics. */
  readonly times: Times
  /** From arrival to the end of the answer, of answers with a 2xx status. Undefined without one. */
  readonly latency: TimeSummary | undefined
  /** From arrival to the first token, of streams with a 2xx status. Undefined without one. */
  readonly firstToken: TimeSummary | undefined
}

/** Counts of one upstream since the start. */
export interface UpstreamStats {
  /** Attempts, including repetitions. */
  readonly requests: number
  /** Attempts without an answer, or with a status of 400 or above. */
  readonly errors: number
  /** By status, or by the code of a failure. */
  readonly byStatus: Readonly<Record<string, number>>
  readonly retries: number
  readonly latency: TimeSummary | undefined
  readonly firstByte: TimeSummary | undefined
}

/** How well all processes keep up. */
export interface ProcessStats {
  /** Number of processes that serve requests. */
  readonly workers: number
  readonly inFlight: number
  readonly openStreams: number
  /** Delays between planned and actual send times, since the start. */
  readonly lateness: Readonly<BucketCounts>
  /** Event-loop lag of the slowest process, in milliseconds. */
  readonly loopLag: { readonly p50: number; readonly p99: number; readonly max: number }
  readonly bottleneck: Bottleneck | undefined
}

/** A view of the metrics of all processes. */
export interface Stats {
  readonly processes: ProcessStats
  readonly totals: RequestStats
  readonly resources: ReadonlyMap<
    string,
    RequestStats & { readonly deployments: ReadonlyMap<string, RequestStats> }
  >
  readonly upstreams: ReadonlyMap<string, UpstreamStats>
}

/** A value of a metric. Labels of histograms are those of the series and `le`. */
interface Value {
  readonly name: string
  readonly value: number
  readonly labels: Readonly<Record<string, string | number>>
}

/** Metrics of processes. */
const processMetrics = [
  'aoai_requests_in_flight',
  'aoai_simulator_lateness_seconds',
  'aoai_simulator_event_loop_lag_seconds',
] as const

/** Metrics with the values of the stats. Others are ignored. */
export const statsMetrics: ReadonlySet<string> = new Set([
  ...processMetrics,
  'aoai_requests_total',
  'aoai_active_requests',
  'aoai_open_streams',
  'aoai_deployment_requests_waiting',
  'aoai_faults_total',
  'aoai_tokens_total',
  'aoai_rate_limited_requests_total',
  'aoai_client_disconnects_total',
  'aoai_request_duration_seconds',
  'aoai_time_to_first_token_seconds',
  'aoai_upstream_requests_total',
  'aoai_upstream_retries_total',
  'aoai_upstream_duration_seconds',
  'aoai_upstream_first_byte_seconds',
])

/**
 * Reads the stats from the metrics of all processes.
 *
 * @param only name of a resource; default: all. Upstreams have no resource
 */
export function statsOf(metrics: MetricsJson, only?: string): Stats {
  const { simulator, times } = metrics
  const processes = new ProcessSum()
  const totals = new RequestSum()
  const resources = new Map<
    string,
    { readonly sum: RequestSum; readonly deployments: Map<string, RequestSum> }
  >()
  const upstreams = new Map<string, UpstreamSum>()
  const groupOf = (resource: string) =>
    entryOf(resources, resource, () => ({
      sum: new RequestSum(),
      deployments: new Map<string, RequestSum>(),
    }))
  const sumsOf = (resource: string, deployment: string): RequestSum[] => {
    const group = groupOf(resource)
    return [totals, group.sum, entryOf(group.deployments, deployment, () => new RequestSum())]
  }
  const values = simulator
    .filter(({ name }) => statsMetrics.has(name))
    .flatMap(({ name, values = [] }) =>
      values.map(({ metricName = name, value, labels }): Value => ({ name: metricName, value, labels })),
    )
  for (const one of values) {
    const { upstream, resource = defaultResourceName, deployment } = one.labels
    if (upstream !== undefined) {
      entryOf(upstreams, String(upstream), () => new UpstreamSum()).add(one)
      continue
    }
    if (processes.add(one)) continue
    if (only !== undefined && resource !== only) continue
    for (const sum of sumsOf(String(resource), String(deployment ?? ''))) sum.add(one)
  }
  for (const { resource, deployment, times: own } of times) {
    if (only !== undefined && resource !== only) continue
    for (const sum of sumsOf(resource, deployment)) sum.times.merge(own)
  }
  if (only !== undefined) groupOf(only)
  return {
    processes: processes.stats(metrics),
    totals: totals.stats(),
    resources: mapValues(resources, ({ sum, deployments }) => ({
      ...sum.stats(),
      deployments: mapValues(deployments, (one) => one.stats()),
    })),
    upstreams: mapValues(upstreams, (one) => one.stats()),
  }
}

function entryOf<V>(map: Map<string, V>, key: string, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) map.set(key, (value = make()))
  return value
}

function mapValues<V, R>(map: ReadonlyMap<string, V>, change: (value: V) => R): ReadonlyMap<string, R> {
  return new Map(Array.from(map, ([key, value]) => [key, change(value)]))
}

/** Counts by a label. */
class LabelSum {
  readonly #counts = new Map<string, number>()

  add(label: string | number | undefined, value: number): void {
    const key = String(label)
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + value)
  }

  of(label: string): number {
    return this.#counts.get(label) ?? 0
  }

  get total(): number {
    return [...this.#counts.values()].reduce((a, b) => a + b, 0)
  }

  /** The sum of the statuses of errors, and of codes of failures. */
  get errors(): number {
    return [...this.#counts].reduce((sum, [status, count]) => (Number(status) < 400 ? sum : sum + count), 0)
  }

  all(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)))
  }
}

class ProcessSum {
  readonly #lateness = new BucketSum()
  readonly #loopLag = { p50: 0, p99: 0, max: 0 }
  #inFlight = 0
  #openStreams = 0

  /** Returns false for a metric of requests. */
  add({ name, value, labels }: Value): boolean {
    if (name === 'aoai_requests_in_flight') this.#inFlight += value
    else if (name.startsWith('aoai_simulator_lateness_seconds')) this.#lateness.add(name, value, labels['le'])
    else if (name === 'aoai_simulator_event_loop_lag_seconds')
      this.#loopLag[labels['stat'] as 'p50' | 'p99' | 'max'] = value * MILLISECONDS_PER_SECOND
    else {
      if (name === 'aoai_open_streams') this.#openStreams += value
      return false
    }
    return true
  }

  stats({ workers, bottleneck }: MetricsJson): ProcessStats {
    return {
      workers,
      inFlight: this.#inFlight,
      openStreams: this.#openStreams,
      lateness: this.#lateness.counts,
      loopLag: this.#loopLag,
      bottleneck,
    }
  }
}

class RequestSum {
  readonly #statuses = new LabelSum()
  readonly #tokens = new LabelSum()
  readonly #limited = new LabelSum()
  readonly #latency = new BucketSum()
  readonly #firstToken = new BucketSum()
  readonly #faults = new LabelSum()
  readonly times = new AnswerTimes()
  #active = 0
  #disconnects = 0
  #streams = 0
  #queue = 0

  add({ name, value, labels }: Value): void {
    if (name === 'aoai_requests_total') this.#statuses.add(labels['status'], value)
    else if (name === 'aoai_tokens_total') this.#tokens.add(labels['type'], value)
    else if (name === 'aoai_rate_limited_requests_total') this.#limited.add(labels['reason'], value)
    else if (name === 'aoai_active_requests') this.#active += value
    else if (name === 'aoai_client_disconnects_total') this.#disconnects += value
    else if (name === 'aoai_open_streams') this.#streams += value
    else if (name === 'aoai_deployment_requests_waiting') this.#queue += value
    else if (name === 'aoai_faults_total') this.#faults.add(labels['fault'], value)
    else if (Number(labels['status']) >= 300) return
    else if (name.startsWith('aoai_request_duration_seconds')) this.#latency.add(name, value, labels['le'])
    else this.#firstToken.add(name, value, labels['le'])
  }

  stats(): RequestStats {
    const tokens = this.#tokens
    const limited = this.#limited
    return {
      requests: this.#statuses.total,
      errors: this.#statuses.errors,
      byStatus: this.#statuses.all(),
      active: this.#active,
      tokens: {
        prompt: tokens.of('prompt'),
        completion: tokens.of('completion'),
        reasoning: tokens.of('reasoning'),
        cached: tokens.of('cached'),
      },
      rateLimited: {
        tokens: limited.of('tokens'),
        requests: limited.of('requests'),
        capacity: limited.of('capacity'),
      },
      disconnects: this.#disconnects,
      streams: this.#streams,
      queue: this.#queue,
      faults: this.#faults.all(),
      times: this.times,
      latency: this.#latency.stats(),
      firstToken: this.#firstToken.stats(),
    }
  }
}

class UpstreamSum {
  readonly #statuses = new LabelSum()
  readonly #latency = new BucketSum()
  readonly #firstByte = new BucketSum()
  #retries = 0

  add({ name, value, labels }: Value): void {
    if (name === 'aoai_upstream_requests_total') this.#statuses.add(labels['status'], value)
    else if (name === 'aoai_upstream_retries_total') this.#retries += value
    else if (name.startsWith('aoai_upstream_duration_seconds')) this.#latency.add(name, value, labels['le'])
    else this.#firstByte.add(name, value, labels['le'])
  }

  stats(): UpstreamStats {
    return {
      requests: this.#statuses.total,
      errors: this.#statuses.errors,
      byStatus: this.#statuses.all(),
      retries: this.#retries,
      latency: this.#latency.stats(),
      firstByte: this.#firstByte.stats(),
    }
  }
}

const MILLISECONDS_PER_SECOND = 1_000

/** Counts of a histogram of Prometheus. */
export interface BucketCounts {
  /** Number of durations up to a bound, in seconds. */
  readonly below: Map<number, number>
  count: number
  sumSeconds: number
}

/** Sum of histograms with the same buckets. */
class BucketSum {
  readonly counts: BucketCounts = { below: new Map(), count: 0, sumSeconds: 0 }

  add(name: string, value: number, le: string | number | undefined): void {
    const { below } = this.counts
    if (name.endsWith('_count')) this.counts.count += value
    else if (name.endsWith('_sum')) this.counts.sumSeconds += value
    else if (le !== undefined) {
      const bound = le === '+Inf' ? Infinity : Number(le)
      below.set(bound, (below.get(bound) ?? 0) + value)
    }
  }

  stats(): TimeSummary | undefined {
    return summaryOfBuckets(this.counts)
  }
}

/** Mean and quantiles of a histogram; undefined if it is empty. Quantiles are interpolated within a bucket. */
export function summaryOfBuckets(counts: Readonly<BucketCounts>): TimeSummary | undefined {
  const { count, sumSeconds } = counts
  if (count <= 0) return undefined
  return {
    count,
    mean: (sumSeconds / count) * MILLISECONDS_PER_SECOND,
    p50: quantileMs(counts, 0.5),
    p95: quantileMs(counts, 0.95),
    p99: quantileMs(counts, 0.99),
  }
}

/** As `histogram_quantile` of Prometheus: linear within a bucket; above the last bound, that bound. */
function quantileMs({ below: cumulative, count }: Readonly<BucketCounts>, quantile: number): number {
  const rank = quantile * count
  let lower = 0
  let before = 0
  for (const [bound, below] of [...cumulative].sort(([a], [b]) => a - b)) {
    if (bound === Infinity) break
    if (below >= rank && below > before) {
      return (lower + ((bound - lower) * (rank - before)) / (below - before)) * MILLISECONDS_PER_SECOND
    }
    lower = bound
    before = below
  }
  return lower * MILLISECONDS_PER_SECOND
}
