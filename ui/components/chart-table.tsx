import { useState } from 'preact/hooks'
import { formatTime } from '../lib/format.ts'
import type { ChartSeries } from './chart.tsx'

interface ChartTableProps {
  readonly title: string
  readonly unit: string
  readonly times: readonly number[]
  readonly series: readonly ChartSeries[]
  readonly format: (value: number | null) => string
}

/** Rows of the table at most. */
const MAX_ROWS = 60

/** The values of a chart as a table, for those who do not see the lines. Its values stay while it is read. */
export function ChartTable({ title, unit, times, series, format }: ChartTableProps) {
  // The values at the time of opening: a table that changes each second cannot be read.
  const [shown, setShown] = useState<Pick<ChartTableProps, 'times' | 'series'> | undefined>(undefined)
  return (
    <details
      class="chart-table"
      onToggle={({ currentTarget }) => setShown(currentTarget.open ? { times, series } : undefined)}
    >
      <summary>
        Table<span class="visually-hidden"> of {title}</span>
      </summary>
      {shown && (
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- the keyboard scrolls it
        <div class="chart-table-area" tabIndex={0} role="region" aria-label={`Values of ${title}`}>
          <table>
            <caption class="visually-hidden">
              {title}, {unit}: the latest values
            </caption>
            <thead>
              <tr>
                <th scope="col">Time</th>
                {shown.series.map(({ label }) => (
                  <th key={label} scope="col" class="align-end">
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {latestIndexes(shown.times.length).map((index) => (
                <tr key={index}>
                  <th scope="row">{formatTime((shown.times[index] ?? 0) * 1_000)}</th>
                  {shown.series.map(({ label, values }) => (
                    <td key={label} class="align-end">
                      {format(values[index] ?? null)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  )
}

/** The latest indexes, the newest first. */
function latestIndexes(length: number): number[] {
  return Array.from({ length: Math.min(length, MAX_ROWS) }, (_, offset) => length - 1 - offset)
}
