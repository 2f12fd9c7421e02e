import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import './chart.css'
import { formatShort, formatTime } from '../lib/format.ts'
import { useStore } from '../lib/store.ts'
import { theme } from '../lib/theme.ts'
import { chartColours, type ChartColours, withAlpha } from './chart-colours.ts'
import { ChartTable } from './chart-table.tsx'

/** A line of a chart. */
export interface ChartSeries {
  readonly label: string
  /** One for each time. Null is a gap. */
  readonly values: readonly (number | null)[]
  /** The present value, if the last one of `values` is a mean. */
  readonly latest?: number | null
  readonly isDashed?: boolean
  readonly isFilled?: boolean
  /** A token of the design, such as `--error`. Default: the colours of series in their order. */
  readonly colour?: `--${string}`
}

/** A named part of the time, such as a phase of an incident. Times are in seconds since 1970. */
export interface ChartBand {
  readonly from: number
  readonly to: number
  readonly label: string
}

interface ChartProps {
  readonly title: string
  /** Unit of the values, such as `tokens/s`. */
  readonly unit: string
  /** Seconds since 1970, ascending. */
  readonly times: readonly number[]
  readonly series: readonly ChartSeries[]
  /** In pixels. Default 180. */
  readonly height?: number
  readonly format?: (value: number | null) => string
  /** First and last time of the axis. Default: those of the data. */
  readonly range?: readonly [from: number, to: number]
  /** Value at the upper edge at least, so that small values look small. */
  readonly minTop?: number
  /** The present value of the main figure, in large type above the chart. */
  readonly figure?: string
  /** Parts of the time with a coloured background. */
  readonly bands?: readonly ChartBand[]
  /** Charts with the same key show the time under the pointer together. */
  readonly syncKey?: string
}

/** A chart over time: the arrow keys read values, and a table has them all. */
export function Chart(props: ChartProps) {
  const {
    title,
    unit,
    times,
    series,
    height = 180,
    format = formatShort,
    range,
    minTop = 0,
    figure,
    bands = noBands,
    syncKey,
  } = props
  const chosenTheme = useStore(theme)
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const latest = useRef({ range, minTop, format, bands })
  latest.current = { range, minTop, format, bands }
  const [cursor, setCursor] = useState<number | null>(null)
  const [isDark, setDark] = useState(prefersDark)
  // A chart is made again only if its lines change, not for new values.
  const shape = JSON.stringify(
    series.map(({ label, isDashed, isFilled, colour }) => [label, isDashed, isFilled, colour]),
  )

  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)')
    const update = (): void => setDark(query.matches)
    query.addEventListener('change', update)
    return () => query.removeEventListener('change', update)
  }, [])

  useLayoutEffect(() => {
    const { current: element } = place
    if (!element) return undefined
    const options = chartOptions({
      colours: chartColours(element),
      series,
      width: element.clientWidth,
      height,
      syncKey,
      readLatest: () => latest.current,
      onCursor: setCursor,
    })
    const created = new uPlot(options, dataOf(times, series), element)
    plot.current = created
    const observer = new ResizeObserver(() => created.setSize({ width: element.clientWidth, height }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      created.destroy()
      plot.current = null
    }
  }, [shape, height, syncKey, chosenTheme, isDark])

  useLayoutEffect(() => {
    plot.current?.setData(dataOf(times, series))
  }, [times, series, range?.[0], range?.[1], minTop, bands])

  const onKeyDown = (event: KeyboardEvent): void => {
    const at = cursor ?? times.length - 1
    const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: times.length - 1 }[event.key]
    if (event.key === 'Escape') setCursor(null)
    if (next === undefined || times.length === 0) return
    event.preventDefault()
    const index = Math.min(Math.max(0, next), times.length - 1)
    setCursor(index)
    plot.current?.setCursor({ left: plot.current.valToPos(times[index] ?? 0, 'x'), top: 0 })
  }

  const index = cursor !== null && cursor < times.length ? cursor : times.length - 1
  const isReading = cursor !== null && cursor < times.length
  const values = series.map(({ label, values: all }) => `${label} ${format(all[index] ?? null)}`).join(', ')
  return (
    <figure class="chart">
      <figcaption>
        <span class="chart-title">{title}</span> <span class="muted">{unit}</span>
        {isReading && <span class="chart-time muted">{formatTime((times[index] ?? 0) * 1_000)}</span>}
      </figcaption>
      {figure !== undefined && <p class="chart-figure">{figure}</p>}
      <div
        ref={place}
        class="chart-plot"
        style={{ minHeight: height }}
        role="slider"
        aria-orientation="horizontal"
        aria-roledescription="chart"
        aria-label={`${title}, ${unit}`}
        aria-valuemin={0}
        aria-valuemax={Math.max(0, times.length - 1)}
        aria-valuenow={Math.max(0, index)}
        aria-valuetext={
          times.length === 0 ? 'no values' : `${formatTime((times[index] ?? 0) * 1_000)}: ${values}`
        }
        tabIndex={0}
        onKeyDown={onKeyDown}
        onBlur={() => setCursor(null)}
      />
      <ul class="chart-legend" aria-hidden="true">
        {series.map(({ label, values: all, latest: present, isDashed, colour }, at) => (
          <li key={label}>
            <span
              class={isDashed ? 'chart-key chart-key-dashed' : 'chart-key'}
              style={{ color: `var(${colour ?? `--series-${(at % 6) + 1}`})` }}
            />
            {label}{' '}
            <strong>{format(isReading || present === undefined ? (all[index] ?? null) : present)}</strong>
          </li>
        ))}
      </ul>
      <ChartTable title={title} unit={unit} times={times} series={series} format={format} />
    </figure>
  )
}

const noBands: readonly ChartBand[] = []

const prefersDark = (): boolean => matchMedia('(prefers-color-scheme: dark)').matches

function dataOf(times: readonly number[], series: readonly ChartSeries[]): uPlot.AlignedData {
  return [times, ...series.map(({ values }) => values)] as unknown as uPlot.AlignedData
}

interface PlotInput {
  readonly colours: ChartColours
  readonly series: readonly ChartSeries[]
  readonly width: number
  readonly height: number
  readonly syncKey: string | undefined
  readonly readLatest: () => {
    readonly range: readonly [number, number] | undefined
    readonly minTop: number
    readonly format: (value: number | null) => string
    readonly bands: readonly ChartBand[]
  }
  readonly onCursor: (index: number | null) => void
}

function chartOptions({
  colours,
  series,
  width,
  height,
  syncKey,
  readLatest,
  onCursor,
}: PlotInput): uPlot.Options {
  const font = `11px ${colours.font}`
  const axis = {
    stroke: colours.muted,
    font,
    grid: { stroke: colours.line, width: 1 },
    ticks: { show: false },
  }
  return {
    width,
    height,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    select: { show: false, left: 0, top: 0, width: 0, height: 0 },
    cursor: {
      y: false,
      drag: { x: false, y: false },
      points: { size: 7 },
      ...(syncKey !== undefined && { sync: { key: syncKey } }),
    },
    scales: {
      x: {
        range: (_, min, max) => {
          const [from, to] = readLatest().range ?? [min, max]
          return [from, to]
        },
      },
      y: { range: (_, __, max) => [0, topOf(Math.max(max ?? 0, readLatest().minTop))] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 70,
        // A time at the right edge would be cut.
        values: (plot, splits) => {
          const end = plot.bbox.width / devicePixelRatio - 16
          return splits.map((at) => (plot.valToPos(at, 'x') > end ? '' : formatTime(at * 1_000)))
        },
        size: 24,
      },
      {
        ...axis,
        size: 52,
        space: 36,
        values: (_, splits) => splits.map((value) => readLatest().format(value)),
      },
    ],
    series: [
      {},
      ...series.map(({ label, isDashed, isFilled, colour }, index): uPlot.Series => {
        const stroke = colours.of(colour ?? `--series-${(index % 6) + 1}`)
        return {
          label,
          stroke,
          width: 1.6,
          // A value between two gaps has no line.
          points: { show: () => false, filter: (plot, at) => lonelyIndexes(plot.data[at] ?? []), size: 4 },
          ...(isDashed && { dash: [5, 4] }),
          ...(isFilled && { fill: withAlpha(stroke, 0.14) }),
        }
      }),
    ],
    hooks: {
      drawClear: [(plot) => drawBands(plot, readLatest().bands, colours)],
      setCursor: [(shown) => onCursor(shown.cursor.idx ?? null)],
    },
  }
}

/** Indexes of the values without a neighbour. */
function lonelyIndexes(values: ArrayLike<number | null | undefined>): number[] {
  const isMissing = (index: number): boolean => (values[index] ?? null) === null
  return Array.from(values, (_, index) => index).filter(
    (index) => !isMissing(index) && isMissing(index - 1) && isMissing(index + 1),
  )
}

/** Fills the bands, and writes their labels if there is room. */
function drawBands(plot: uPlot, bands: readonly ChartBand[], colours: ChartColours): void {
  const { ctx, bbox } = plot
  ctx.save()
  ctx.beginPath()
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
  ctx.clip()
  ctx.font = `${11 * devicePixelRatio}px ${colours.font}`
  ctx.textAlign = 'left'
  ctx.textBaseline = 'top'
  const gap = 4 * devicePixelRatio
  for (const { from, to, label } of bands) {
    const left = Math.max(bbox.left, plot.valToPos(from, 'x', true))
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(to, 'x', true))
    if (right <= left) continue
    ctx.fillStyle = withAlpha(colours.of('--warn'), 0.1)
    ctx.fillRect(left, bbox.top, right - left, bbox.height)
    ctx.fillStyle = colours.of('--warn')
    ctx.fillRect(left, bbox.top, devicePixelRatio, bbox.height)
    if (ctx.measureText(label).width + 2 * gap < right - left) ctx.fillText(label, left + gap, bbox.top + gap)
  }
  ctx.restore()
}

/** Returns a round value above the largest one. */
function topOf(largest: number): number {
  if (!(largest > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(largest))
  const factor = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((one) => one * power >= largest * 1.02) ?? 12
  return factor * power
}
