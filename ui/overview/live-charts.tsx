import { useMemo, useRef } from 'preact/hooks'
import type { Live } from '../../src/server/admin/live-stats.ts'
import { Chart, type ChartBand } from '../components/chart.tsx'
import { formatDuration, formatShort } from '../lib/format.ts'
import type { Subject } from '../lib/history.ts'
import { history } from '../lib/live.ts'
import { bucketSeconds, type Combine, downsample } from './chart-series.ts'
import { chartColumns, chartFigures, type ChartColumn } from './live-figures.ts'
import { useWidth } from './use-width.ts'
import './live-charts.css'

/** A chart of figures of the history. */
export interface ChartPanel {
  readonly title: string
  readonly unit: string
  /** The present value of the main figure. */
  readonly figure?: (live: Live) => string
  readonly lines: readonly ChartLine[]
  readonly format: (value: number | null) => string
  /** Value at the upper edge at least. */
  readonly minTop: number
}

interface ChartLine {
  readonly column: ChartColumn
  readonly label: string
  readonly combine?: Combine
  readonly colour?: `--${string}`
  readonly isDashed?: boolean
  readonly isFilled?: boolean
}

/** Requests, tokens and times; those of streams as configured and as achieved. */
export const mainPanels: readonly ChartPanel[] = [
  {
    title: 'Requests',
    unit: 'a second',
    figure: ({ window }) => formatShort(window.requests_per_second),
    format: formatShort,
    minTop: 1,
    lines: [
      { column: 'answered', label: 'answered', isFilled: true },
      { column: 'rate_limited_per_second', label: '429', colour: '--warn' },
      { column: 'failed', label: 'errors', colour: '--error' },
    ],
  },
  {
    title: 'Tokens',
    unit: 'a second',
    figure: ({ window }) => formatShort(window.tokens_per_second),
    format: formatShort,
    minTop: 1,
    lines: [
      { column: 'completion_tokens_per_second', label: 'completion', isFilled: true },
      { column: 'prompt_tokens_per_second', label: 'prompt', colour: '--series-2' },
    ],
  },
  {
    title: 'Duration',
    unit: 'median of answers',
    figure: ({ window }) => formatDuration(window.latency_ms?.p50),
    format: formatDuration,
    minTop: 0,
    lines: [
      { column: 'latency_p50_ms', label: 'median', isFilled: true },
      { column: 'latency_p95_ms', label: 'p95', combine: 'max', colour: '--series-3' },
    ],
  },
  streamPanel('First token', 'first_token', 'median', ({ window }) => window.first_token_ms),
  // A mean: with tokens in bursts, the median gap is 0.
  streamPanel('Between tokens', 'between_tokens', 'mean', ({ window }) => window.between_tokens_ms),
  {
    title: 'Open requests',
    unit: 'now',
    figure: ({ active }) => formatShort(active),
    format: formatShort,
    minTop: 1,
    lines: [
      { column: 'active', label: 'all', combine: 'max', isFilled: true },
      { column: 'streams', label: 'streams', combine: 'max', colour: '--series-2' },
      { column: 'queue', label: 'waiting for a slot', combine: 'max', colour: '--warn' },
    ],
  },
]

/** The chart of a time of streams, as configured and as achieved. */
function streamPanel(
  title: string,
  name: 'first_token' | 'between_tokens',
  middle: 'median' | 'mean',
  timesOf: (live: Live) => Live['window']['first_token_ms'],
): ChartPanel {
  const figure = middle === 'mean' ? 'mean' : 'p50'
  const columnOf = (kind: 'achieved' | 'planned') => `${name}_${kind}_${figure}_ms` as ChartColumn
  return {
    title,
    unit: `${middle} of streams`,
    figure: (live) => formatDuration(timesOf(live).achieved?.[figure]),
    format: formatDuration,
    minTop: 0,
    lines: [
      { column: columnOf('achieved'), label: middle, isFilled: true },
      { column: `${name}_achieved_p95_ms`, label: 'p95', combine: 'max', colour: '--series-3' },
      { column: columnOf('planned'), label: 'configured', isDashed: true, colour: '--series-4' },
    ],
  }
}

export interface LiveChartsProps {
  readonly panels: readonly ChartPanel[]
  /** Without own panels, to be part of another one. */
  readonly isPlain?: boolean
  readonly live: Live
  readonly subject: Subject
  /** Time of the last reading, in milliseconds. */
  readonly atMs: number
  readonly rangeSeconds: number
  /** Phases of incidents. */
  readonly bands: readonly ChartBand[]
}

/** Length of the axis at least. */
const MIN_RANGE_SECONDS = 60

/** Charts over the same time. */
export function LiveCharts({
  panels,
  isPlain = false,
  live,
  subject,
  atMs,
  rangeSeconds,
  bands,
}: LiveChartsProps) {
  const grid = useRef<HTMLDivElement>(null)
  const width = useWidth(grid, { ofFirstChild: true })
  const { resource, deployment } = subject
  const to = atMs / 1_000
  const { times, columns, latest, from } = useMemo(() => {
    const named = chartColumns(history.samples({ resource, deployment }, chartFigures, rangeSeconds * 1_000))
    // A page that was just opened has little history: the axis grows with it.
    const start = Math.max(to - rangeSeconds, Math.min(named.times[0] ?? to, to - MIN_RANGE_SECONDS))
    const lines = panels.flatMap((panel) => panel.lines)
    const all = lines.map(({ column }) => named.columns[column])
    const shown = downsample(
      { times: named.times, columns: all },
      bucketSeconds(to - start, width),
      lines.map(({ combine = 'mean' }) => combine),
    )
    return {
      from: start,
      times: shown.times,
      columns: new Map(lines.map((line, index) => [line, shown.columns[index] ?? []])),
      latest: new Map(lines.map((line, index) => [line, all[index]?.at(-1) ?? null])),
    }
  }, [panels, resource, deployment, to, rangeSeconds, width])
  return (
    <div class={isPlain ? '' : 'live-charts'} ref={grid}>
      {panels.map(({ title, unit, figure, lines, format, minTop }) => (
        <section class={isPlain ? 'live-chart' : 'panel live-chart'} key={title} aria-label={title}>
          <Chart
            title={title}
            unit={unit}
            {...(figure && { figure: figure(live) })}
            times={times}
            series={lines.map((line) => ({
              label: line.label,
              values: columns.get(line) ?? [],
              latest: latest.get(line) ?? null,
              ...(line.colour && { colour: line.colour }),
              ...(line.isDashed && { isDashed: true }),
              ...(line.isFilled && { isFilled: true }),
            }))}
            height={140}
            format={format}
            minTop={minTop}
            range={[from, to]}
            bands={bands}
            syncKey="overview"
          />
        </section>
      ))}
    </div>
  )
}
