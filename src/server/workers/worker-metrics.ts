import {
  countsOf,
  inFlightOf,
  mergeMetrics,
  type MetricsJson,
  type NamedMetrics,
  sumOf,
  withoutResources,
} from '../../metrics/merge-metrics.ts'
import type { Metrics } from '../../metrics/metrics.ts'
import { answerWithTimeout } from '../../shared/rpc/answer-in-time.ts'
import { deserializeValue, type WorkerControl, type WorkerReport } from './worker-messages.ts'

/** Interval of reports. Counts since the last report are lost if a worker is killed. */
const REPORT_INTERVAL_MS = 5_000

/** Reports of exited workers are merged when there are this many. */
const MAX_ENDED_REPORTS = 8

/** A worker that reports metrics. */
export interface CountingWorker {
  readonly number: number
  readonly control: Pick<WorkerControl, 'report'>
}

/** Sums the metrics of all workers, including exited ones, so that counters never decrease. */
export class WorkerMetrics {
  readonly #own: Metrics
  readonly #reports = new Map<CountingWorker, WorkerReport>()
  readonly #workers = new Set<CountingWorker>()
  readonly #ended: MetricsJson[] = []
  #isMerging = false
  #unusedByEnded: ReadonlySet<string> | undefined
  readonly #timer: NodeJS.Timeout

  /** @param own the metrics of the primary */
  constructor(own: Metrics) {
    this.#own = own
    this.#timer = setInterval(() => void this.#collect(), REPORT_INTERVAL_MS)
    this.#timer.unref()
  }

  add(worker: CountingWorker): void {
    this.#workers.add(worker)
  }

  /** Called when a worker has exited. Its counts are kept. */
  remove(worker: CountingWorker): void {
    this.#workers.delete(worker)
    const report = this.#reports.get(worker)
    this.#reports.delete(worker)
    if (!report) return
    this.#ended.push(countsOf(report.metrics))
    void this.#mergeEnded()
    this.#unusedByEnded = intersect(this.#unusedByEnded, report.unused)
  }

  /** Removes the counts of resources in exited workers, by name. Running workers remove their own. */
  removeResources(names: ReadonlySet<string>): void {
    for (const [index, metrics] of this.#ended.entries())
      this.#ended[index] = withoutResources(metrics, names)
  }

  /** Stores the last report of a worker. */
  setReport(worker: CountingWorker, report: WorkerReport): void {
    this.#reports.set(worker, report)
  }

  /** Returns all metrics in the Prometheus text format. */
  async render(): Promise<string> {
    return mergeMetrics(await this.#all())
  }

  /**
   * Returns the merged metrics of the simulator.
   *
   * @param names only these metrics; default: all
   */
  async toJson(names?: ReadonlySet<string>): Promise<MetricsJson> {
    const sum = await sumOf((await this.#all(names)).map(({ metrics }) => metrics))
    // The primary serves no requests.
    return { ...sum, workers: this.#workers.size }
  }

  async #all(names?: ReadonlySet<string>): Promise<readonly NamedMetrics[]> {
    const reports = await this.#collect(names)
    const own = await this.#own.toJson(names)
    const ended = this.#ended.map((metrics) => ({ worker: 'ended', metrics }))
    const workers = Array.from(reports, ([{ number }, { metrics }]) => ({
      worker: String(number),
      metrics,
    }))
    return [{ worker: 'primary', metrics: own }, ...workers, ...ended]
  }

  /** Returns the number of requests in flight in all workers. */
  async requestsInFlight(): Promise<number> {
    await this.#collect()
    return Array.from(this.#reports.values(), ({ metrics }) => inFlightOf(metrics)).reduce((a, b) => a + b, 0)
  }

  /** Recordings that no worker has used, from the last reports; undefined without REPLAY_STRICT. */
  get unused(): readonly string[] | undefined {
    let unused = this.#unusedByEnded
    for (const report of this.#reports.values()) unused = intersect(unused, report.unused)
    return unused && [...unused]
  }

  /** Stops the periodic reports. */
  close(): void {
    clearInterval(this.#timer)
  }

  /** Returns the reports of running workers. Those with all metrics are kept. */
  async #collect(names?: ReadonlySet<string>): Promise<ReadonlyMap<CountingWorker, WorkerReport>> {
    const partial = new Map<CountingWorker, WorkerReport>()
    const kept = names ? partial : this.#reports
    const reports = Array.from(this.#workers, async (worker) => {
      // Without an answer, the last report of the worker stays.
      const report = await answerWithTimeout(worker.control.report(names && [...names]))
      // The worker can have exited in the meantime; its last report is merged already.
      if (report !== undefined && this.#workers.has(worker))
        kept.set(worker, deserializeValue(report) as WorkerReport)
    })
    await Promise.all(reports)
    if (!names) return this.#reports
    return new Map([...this.#reports, ...[...partial].filter(([worker]) => this.#workers.has(worker))])
  }

  async #mergeEnded(): Promise<void> {
    const count = this.#ended.length
    if (this.#isMerging || count < MAX_ENDED_REPORTS) return
    this.#isMerging = true
    const sum = await sumOf(this.#ended.slice(0, count))
    this.#ended.splice(0, count, sum)
    this.#isMerging = false
  }
}

function intersect(
  some: ReadonlySet<string> | undefined,
  others: readonly string[] | undefined,
): ReadonlySet<string> | undefined {
  if (!some || !others) return some ?? (others && new Set(others))
  return new Set(others.filter((location) => some.has(location)))
}
