import { defaultResourceName } from '../config/config.ts'
import type { MetricsJson } from './merge-metrics.ts'

/** Distribution of durations in milliseconds. Quantiles are interpolated within a bucket of the histogram. */
export interface DurationStats {
  readonly count: number
  readonly mean: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

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
  /** From arrival to the end of the answer, of answers with a 2xx status. Undefined without one. */
  readonly latency: DurationStats | undefined
  /** From arrival to the first token, of streams with a 2xx status. Undefined without one. */
  readonly firstToken: DurationStats | undefined
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
  readonly latency: DurationStats | undefined
  readonly firstByte: DurationStats | undefined
}

/** A view of the metrics of all processes. */
export interface Stats {
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

/** Metrics with the values of the stats. Others are ignored. */
const usedMetrics: ReadonlySet<string> = new Set([
  'aoai_requests_total',
  'aoai_active_requests',
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
export function statsOf({ simulator }: MetricsJson, only?: string): Stats {
  const totals = new RequestSum()
  const resources = new Map<
    string,
    { readonly sum: RequestSum; readonly deployments: Map<string, RequestSum> }
  >()
  const upstreams = new Map<string, UpstreamSum>()
  const values = simulator
    .filter(({ name }) => usedMetrics.has(name))
    .flatMap(({ name, values = [] }) =>
      values.map(({ metricName = name, value, labels }): Value => ({ name: metricName, value, labels })),
    )
  for (const one of values) {
    const { upstream, resource = defaultResourceName, deployment } = one.labels
    if (upstream !== undefined) {
      entryOf(upstreams, String(upstream), () => new UpstreamSum()).add(one)
      continue
    }
    if (only !== undefined && resource !== only) continue
    const group = entryOf(resources, String(resource), () => ({
      sum: new RequestSum(),
      deployments: new Map<string, RequestSum>(),
    }))
    const ofDeployment = entryOf(group.deployments, String(deployment ?? ''), () => new RequestSum())
    for (const sum of [totals, group.sum, ofDeployment]) sum.add(one)
  }
  if (only !== undefined && !resources.has(only))
    resources.set(only, { sum: new RequestSum(), deployments: new Map() })
  return {
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

class RequestSum {
  readonly #statuses = new LabelSum()
  readonly #tokens = new LabelSum()
  readonly #limited = new LabelSum()
  readonly #latency = new BucketSum()
  readonly #firstToken = new BucketSum()
  #active = 0
  #disconnects = 0

  add({ name, value, labels }: Value): void {
    if (name === 'aoai_requests_total') this.#statuses.add(labels['status'], value)
    else if (name === 'aoai_tokens_total') this.#tokens.add(labels['type'], value)
    else if (name === 'aoai_rate_limited_requests_total') this.#limited.add(labels['reason'], value)
    else if (name === 'aoai_active_requests') this.#active += value
    else if (name === 'aoai_client_disconnects_total') this.#disconnects += value
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

/** Sum of histograms with the same buckets. */
class BucketSum {
  /** Number of durations up to a bound, in seconds. */
  readonly #below = new Map<number, number>()
  #count = 0
  #sumSeconds = 0

  add(name: string, value: number, le: string | number | undefined): void {
    if (name.endsWith('_count')) this.#count += value
    else if (name.endsWith('_sum')) this.#sumSeconds += value
    else if (le !== undefined) {
      const bound = le === '+Inf' ? Infinity : Number(le)
      this.#below.set(bound, (this.#below.get(bound) ?? 0) + value)
    }
  }

  stats(): DurationStats | undefined {
    if (this.#count === 0) return undefined
    return {
      count: this.#count,
      mean: (this.#sumSeconds / this.#count) * MILLISECONDS_PER_SECOND,
      p50: this.#quantileMs(0.5),
      p95: this.#quantileMs(0.95),
      p99: this.#quantileMs(0.99),
    }
  }

  /** As `histogram_quantile` of Prometheus: linear within a bucket; above the last bound, that bound. */
  #quantileMs(quantile: number): number {
    const rank = quantile * this.#count
    let lower = 0
    let before = 0
    for (const [bound, below] of [...this.#below].sort(([a], [b]) => a - b)) {
      if (bound === Infinity) break
      if (below >= rank && below > before) {
        return (lower + ((bound - lower) * (rank - before)) / (below - before)) * MILLISECONDS_PER_SECOND
      }
      lower = bound
      before = below
    }
    return lower * MILLISECONDS_PER_SECOND
  }
}
