import type { Live, LiveSimulator } from '../../src/server/admin/live-stats.ts'
import { type Sample, seriesOf, type Values } from './chart-series.ts'

/** Errors a second that are not 429s of limits. */
export function otherErrorsPerSecond({ window }: Pick<Live, 'window'>): number {
  return Math.max(0, window.errors_per_second - window.rate_limited_per_second)
}

/** Figures of the history that the charts are made of. */
export const chartFigures = [
  'requests_per_second',
  'rate_limited_per_second',
  'errors_per_second',
  'prompt_tokens_per_second',
  'completion_tokens_per_second',
  'latency_p50_ms',
  'latency_p95_ms',
  'first_token_achieved_p50_ms',
  'first_token_achieved_p95_ms',
  'first_token_planned_p50_ms',
  'between_tokens_achieved_mean_ms',
  'between_tokens_achieved_p95_ms',
  'between_tokens_planned_mean_ms',
  'tokens_used_share',
  'requests_used_share',
  'active',
  'streams',
  'queue',
] as const

/** A column of the charts: a figure, or answered and failed requests, which are computed. */
export type ChartColumn = (typeof chartFigures)[number] | 'answered' | 'failed'

/** Columns of the charts, from ticks with the values of `chartFigures`. The first tick covers no time and is left out. */
export function chartColumns(samples: readonly Sample[]): {
  readonly times: readonly number[]
  readonly columns: Readonly<Record<ChartColumn, Values>>
} {
  const { times, columns } = seriesOf(
    samples.filter(({ windowMs }) => windowMs > 0),
    chartFigures.length,
  )
  const named = Object.fromEntries(chartFigures.map((name, index) => [name, columns[index] ?? []])) as Record<
    (typeof chartFigures)[number],
    Values
  >
  const { requests_per_second: all, errors_per_second: errors, rate_limited_per_second: limited } = named
  return {
    times,
    columns: {
      ...named,
      answered: all.map((value, index) => difference(value, errors[index])),
      failed: errors.map((value, index) => difference(value, limited[index])),
    },
  }
}

function difference(whole: number | null, part: number | null | undefined): number | null {
  return whole === null ? null : Math.max(0, whole - (part ?? 0))
}

/** A count with its name. */
export interface NamedCount {
  readonly name: string
  readonly count: number
}

/** Counts of a record above 0, the largest first. */
export function countsOf(record: Readonly<Record<string, number>>): NamedCount[] {
  return Object.entries(record)
    .map(([name, count]) => ({ name, count }))
    .filter(({ count }) => count > 0)
    .toSorted((one, other) => other.count - one.count || (one.name < other.name ? -1 : 1))
}

/** Sum of the counts of a record. */
export function sumOf(record: Readonly<Record<string, number>>): number {
  return Object.values(record).reduce((sum, count) => sum + count, 0)
}

/** What was late, without the words of the heading and the advice, which are shown beside it. */
export function describeSlowness({ bottleneck }: Pick<LiveSimulator, 'bottleneck'>): string {
  const [, facts] = /^The simulator was the bottleneck: (.*?\.) Times measured/s.exec(bottleneck ?? '') ?? []
  if (facts === undefined) return bottleneck ?? 'Measured times do not describe the simulated service.'
  return `${facts.charAt(0).toUpperCase()}${facts.slice(1)} Times measured meanwhile do not describe the simulated service.`
}

/** What to do when the simulator is the bottleneck, the most effective first. */
export function adviceFor({ workers }: Pick<LiveSimulator, 'workers'>): string[] {
  return [
    workers === 1
      ? 'Start more processes: WORKERS=2 or more.'
      : `Start more processes than ${workers}: increase WORKERS.`,
    'Give each process its own core, and run the load generator on another machine.',
    'Reduce the load.',
  ]
}
