import { countsOf, inFlightOf, mergeMetrics, type MetricsJson, sumOf } from '../../metrics/merge-metrics.ts'
import type { Metrics } from '../../metrics/metrics.ts'
import { answerInTime } from '../../shared/rpc/answer-in-time.ts'
import { deserializeValue, type WorkerControl, type WorkerReport } from './worker-messages.ts'

/** How often workers are asked for what they have counted, so that little is lost with one that is killed. */
const REPORT_INTERVAL_MS = 5_000

/** Reports of workers that are gone are added up when there are as many. */
const MAX_ENDED = 8

/** A worker that counts. */
export interface CountingWorker {
  readonly number: number
  readonly control: Pick<WorkerControl, 'report'>
}

/** Adds up what all workers have counted, those included that are gone: counters never go back. */
export class WorkerMetrics {
  readonly #own: Metrics
  readonly #last = new Map<CountingWorker, WorkerReport>()
  readonly #workers = new Set<CountingWorker>()
  readonly #ended: MetricsJson[] = []
  #isAddingUp = false
  #unusedEverywhere: ReadonlySet<string> | undefined
  readonly #timer: NodeJS.Timeout

  /** @param own the metrics of the primary, which has what is decided for all */
  constructor(own: Metrics) {
    this.#own = own
    this.#timer = setInterval(() => void this.#collect(), REPORT_INTERVAL_MS)
    this.#timer.unref()
  }

  add(worker: CountingWorker): void {
    this.#workers.add(worker)
  }

  /** The worker is gone; what it counted stays. */
  remove(worker: CountingWorker): void {
    this.#workers.delete(worker)
    const last = this.#last.get(worker)
    this.#last.delete(worker)
    if (!last) return
    this.#ended.push(countsOf(last.metrics))
    void this.#addUp()
    this.#unusedEverywhere = common(this.#unusedEverywhere, last.unused)
  }

  /** Takes the report that a worker gives at its end. */
  take(worker: CountingWorker, report: WorkerReport): void {
    this.#last.set(worker, report)
  }

  /** All metrics in the text format of Prometheus. */
  async render(): Promise<string> {
    await this.#collect()
    const own = await this.#own.toJson()
    const ended = this.#ended.map((metrics) => ({ worker: 'ended', metrics }))
    const workers = Array.from(this.#last, ([{ number }, { metrics }]) => ({
      worker: String(number),
      metrics,
    }))
    return mergeMetrics([{ worker: 'primary', metrics: own }, ...workers, ...ended])
  }

  /** How many answers of all workers have not ended. */
  async running(): Promise<number> {
    await this.#collect()
    return Array.from(this.#last.values(), ({ metrics }) => inFlightOf(metrics)).reduce((a, b) => a + b, 0)
  }

  /** The recordings that no worker has used, so far as they have told; undefined where nobody asked. */
  get unused(): readonly string[] | undefined {
    let unused = this.#unusedEverywhere
    for (const report of this.#last.values()) unused = common(unused, report.unused)
    return unused && [...unused]
  }

  /** Asks no more. */
  close(): void {
    clearInterval(this.#timer)
  }

  async #collect(): Promise<void> {
    const asked = Array.from(this.#workers, async (worker) => {
      // One that does not answer is told of by what it said last.
      const told = await answerInTime(worker.control.report())
      // It may be gone by now, and added to those that are.
      if (told !== undefined && this.#workers.has(worker))
        this.#last.set(worker, deserializeValue(told) as WorkerReport)
    })
    await Promise.all(asked)
  }

  async #addUp(): Promise<void> {
    const count = this.#ended.length
    if (this.#isAddingUp || count < MAX_ENDED) return
    this.#isAddingUp = true
    const sum = await sumOf(this.#ended.slice(0, count))
    this.#ended.splice(0, count, sum)
    this.#isAddingUp = false
  }
}

function common(
  some: ReadonlySet<string> | undefined,
  others: readonly string[] | undefined,
): ReadonlySet<string> | undefined {
  if (!some || !others) return some ?? (others && new Set(others))
  return new Set(others.filter((place) => some.has(place)))
}
