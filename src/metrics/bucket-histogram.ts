import { Histogram } from 'prom-client'
import type { DurationSeries } from './series-table.ts'

type Labels = Readonly<Record<string, string | number>>

/** A line of the exposition, in the format of the registry. All lines of a series have the `sharedLabels`. */
interface Line {
  readonly metricName: string
  readonly labels: { readonly le?: number | string }
  readonly sharedLabels: Labels
  readonly value: number
}

/** One series of a histogram. */
export interface BucketRow {
  readonly labels: Labels
  readonly series: DurationSeries
}

/** Options of `BucketHistogram`. */
export interface BucketHistogramOptions {
  readonly name: string
  readonly help: string
  /** Returns the series. Called when the histogram is rendered; empty series are omitted. */
  readonly rows: () => Iterable<BucketRow>
}

/** A histogram that reads its buckets from `rows` when it is rendered. It is not registered. */
export class BucketHistogram extends Histogram {
  readonly #options: BucketHistogramOptions

  constructor(options: BucketHistogramOptions) {
    super({ name: options.name, help: options.help, registers: [] })
    this.#options = options
  }

  /**
   * Called by the registry and by `get`. The types of prom-client 15 do not declare it, but it is the only way to provide buckets that
   * are counted elsewhere.
   */
  getForPromString(): Promise<object> {
    const { name, help, rows } = this.#options
    const values: Line[] = []
    for (const { labels, series } of rows()) addLines(values, name, labels, series)
    return Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values })
  }
}

function addLines(lines: Line[], name: string, sharedLabels: Labels, series: DurationSeries): void {
  if (series.count === 0) return
  const add = (part: string, labels: Line['labels'], value: number): void => {
    lines.push({ metricName: `${name}_${part}`, labels, sharedLabels, value })
  }
  let below = 0
  series.bounds.forEach((le, index) => {
    below += series.counts[index] ?? 0
    add('bucket', { le }, below)
  })
  add('bucket', { le: '+Inf' }, series.count)
  add('sum', {}, series.sumSeconds)
  add('count', {}, series.count)
}
