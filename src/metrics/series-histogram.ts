import { Histogram, type Registry } from 'prom-client'
import type { DurationSeries } from './duration-series.ts'
import type { RequestSeries, StatusSeries } from './request-series.ts'

/** A line of the exposition, as the registry takes it: `sharedLabels` are those that all lines of a series have. */
interface Line {
  readonly metricName: string
  readonly labels: { readonly le?: number | string }
  readonly sharedLabels: Readonly<Record<string, string | number>>
  readonly value: number
}

/** What a histogram is made of. */
export interface SeriesHistogramOptions {
  readonly name: string
  readonly help: string
  readonly registry: Registry
  /** Where the series come from, each time that the histogram is rendered. */
  readonly series: () => Iterable<RequestSeries>
  readonly pick: (series: StatusSeries) => DurationSeries
}

/** A histogram with the labels deployment, operation and status that reads its series when it is rendered. */
export class SeriesHistogram extends Histogram {
  readonly #options: SeriesHistogramOptions

  constructor(options: SeriesHistogramOptions) {
    super({ name: options.name, help: options.help, registers: [options.registry] })
    this.#options = options
  }

  /**
   * What the registry and `get` ask a histogram for. prom-client 15 does not declare it; it is the only way to hand
   * over buckets that are counted elsewhere.
   */
  getForPromString(): Promise<object> {
    const { name, help, series, pick } = this.#options
    const values: Line[] = []
    for (const { deployment, operation, byStatus } of series()) {
      for (const [status, statusSeries] of byStatus) {
        addLines(values, name, { deployment, operation, status }, pick(statusSeries))
      }
    }
    return Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values })
  }
}

function addLines(
  lines: Line[],
  name: string,
  sharedLabels: Line['sharedLabels'],
  series: DurationSeries,
): void {
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
