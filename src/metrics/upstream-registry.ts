import { Counter, type Registry } from 'prom-client'
import type { UpstreamAttempt } from '../upstream/upstream-observer.ts'
import { BucketHistogram, type BucketRow } from './bucket-histogram.ts'
import { answerBounds, DurationSeries } from './series-table.ts'

/** Maximum number of upstreams with a label. Later ones have the label `other`. */
const MAX_UPSTREAMS = 2_000

/** The attempts of one upstream. */
class UpstreamSeries {
  /** By status, or by the code of a failure. */
  readonly byStatus = new Map<string, number>()
  retries = 0
  readonly duration = new DurationSeries(answerBounds)
  readonly firstByte = new DurationSeries(answerBounds)

  count({ status, code, retry, ms, firstByteMs }: UpstreamAttempt): void {
    const label = code ?? String(status)
    this.byStatus.set(label, (this.byStatus.get(label) ?? 0) + 1)
    if (retry > 0) this.retries++
    if (firstByteMs !== undefined) this.firstByte.observe(firstByteMs / 1_000)
    // The duration of an interrupted answer depends on the client.
    if (code !== 'ClientDisconnected') this.duration.observe(ms / 1_000)
  }
}

/** Registers the metrics of upstreams, and returns the function that counts an attempt. */
export function registerUpstreams(registry: Registry): (attempt: UpstreamAttempt) => void {
  const byName = new Map<string, UpstreamSeries>()
  const seriesOf = (name: string): UpstreamSeries => {
    const label = byName.has(name) || byName.size < MAX_UPSTREAMS ? name : 'other'
    let series = byName.get(label)
    if (!series) byName.set(label, (series = new UpstreamSeries()))
    return series
  }
  const requests = new Counter({
    name: 'aoai_upstream_requests_total',
    help: 'Attempts to send a request to an upstream, by status of the answer or by the code of a failure.',
    labelNames: ['upstream', 'status'],
    registers: [],
    collect() {
      this.reset()
      for (const [upstream, { byStatus }] of byName) {
        for (const [status, count] of byStatus) this.labels({ upstream, status }).inc(count)
      }
    },
  })
  const retries = new Counter({
    name: 'aoai_upstream_retries_total',
    help: 'Attempts that repeat a failed one.',
    labelNames: ['upstream'],
    registers: [],
    collect() {
      this.reset()
      for (const [upstream, series] of byName) this.labels({ upstream }).inc(series.retries)
    },
  })
  const rows = (pick: (series: UpstreamSeries) => DurationSeries): Iterable<BucketRow> =>
    Array.from(byName, ([upstream, series]) => ({ labels: { upstream }, series: pick(series) }))
  const duration = new BucketHistogram({
    name: 'aoai_upstream_duration_seconds',
    help: 'Time from the start of an attempt to the end of its answer. Excludes disconnected clients.',
    rows: () => rows((series) => series.duration),
  })
  const firstByte = new BucketHistogram({
    name: 'aoai_upstream_first_byte_seconds',
    help: 'Time from the start of an attempt to the headers of its answer.',
    rows: () => rows((series) => series.firstByte),
  })
  for (const metric of [requests, retries, duration, firstByte]) registry.registerMetric(metric)
  return (attempt) => seriesOf(attempt.upstream).count(attempt)
}
