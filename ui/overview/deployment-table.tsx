import { useRef, useState } from 'preact/hooks'
import { Switch } from '../components/field.tsx'
import { Sparkline } from '../components/sparkline.tsx'
import { Table } from '../components/table.tsx'
import { formatCount, formatDuration, formatPercent, formatShort } from '../lib/format.ts'
import { history } from '../lib/live.ts'
import { routeTo } from '../lib/router.ts'
import { type DeploymentRow, isBusy, SortFigures, usedShare } from './deployment-rows.ts'
import { describeMeter, type LimitMeter, mainMeter, meterLevel, metersOf } from './limit-meters.ts'
import { otherErrorsPerSecond } from './live-figures.ts'
import { useHold } from './use-hold.ts'
import { type FittingColumn, fittingColumns, useWidth } from './use-width.ts'
import './deployment-table.css'

interface DeploymentTableProps {
  readonly rows: readonly DeploymentRow[]
  /** Time of the reading, in milliseconds. */
  readonly atMs: number
  readonly showsResource: boolean
}

/** All deployments with their present figures, to sort and filter. A row opens the page of the deployment. */
export function DeploymentTable({ rows, atMs, showsResource }: DeploymentTableProps) {
  const figures = useRef(new SortFigures()).current
  const section = useRef<HTMLElement>(null)
  const width = useWidth(section)
  const { isHeld, handlers } = useHold()
  const [hidesIdle, setHidesIdle] = useState(false)
  figures.update(rows, { nowMs: atMs, hold: isHeld })
  return (
    <section ref={section} class="panel stack" aria-labelledby="deployments-title" {...handlers}>
      <h2 id="deployments-title">
        Deployments <span class="muted">{formatCount(rows.filter(({ name }) => name !== '').length)}</span>
      </h2>
      <Table
        label="Deployments"
        rows={hidesIdle ? rows.filter(({ live }) => isBusy(live)) : rows}
        columns={fittingColumns(columnsOf(figures, showsResource), width)}
        keyOf={({ key }) => key}
        initialSorting={{ column: 'requests', direction: 'descending' }}
        filterBy={filterTextOf}
        filterLabel="Find a deployment"
        linkOf={({ resource, name }) => routeTo(['deployments', resource, name])}
        tools={<Switch label="Hide idle" isOn={hidesIdle} onChange={setHidesIdle} />}
        empty={<p class="muted">No deployment is busy.</p>}
      />
    </section>
  )
}

interface FigureOptions extends Pick<FittingColumn<DeploymentRow>, 'name' | 'title' | 'help' | 'fromWidth'> {
  readonly read: (live: DeploymentRow['live']) => number
  /** Class of a value above 0. */
  readonly tone?: string
}

function filterTextOf({ resource, name }: DeploymentRow): string {
  return `${resource}/${name}`
}

function columnsOf(figures: SortFigures, showsResource: boolean): FittingColumn<DeploymentRow>[] {
  const figure = (options: FigureOptions): FittingColumn<DeploymentRow> => ({
    ...options,
    align: 'end',
    sortBy: (row) => options.read(figures.of(row)),
    render: ({ live }) => {
      const value = options.read(live)
      return <span class={value === 0 ? 'muted' : options.tone}>{formatShort(value)}</span>
    },
  })
  return [
    {
      name: 'name',
      fromWidth: 0,
      title: 'Deployment',
      sortBy: ({ name }) => name,
      render: ({ resource, name }) => (
        <a class="deployment-name" href={routeTo(['deployments', resource, name])} title={name} tabIndex={-1}>
          {name === '' ? <em>without deployment</em> : <span>{name}</span>}
          {showsResource && <span class="muted deployment-resource">{resource}</span>}
        </a>
      ),
    },
    {
      name: 'used',
      fromWidth: 0,
      title: 'Limit used',
      help: 'The limit that is used most: tokens or requests a minute, provisioned throughput, or slots',
      sortBy: (row) => usedShare(figures.of(row)),
      render: ({ live }) => <UsedCell row={live} />,
    },
    {
      name: 'trend',
      fromWidth: 1160,
      title: 'Last minute',
      help: 'Requests a second in the last minute',
      render: (row) => <Trend row={row} />,
    },
    figure({
      name: 'requests',
      fromWidth: 0,
      title: 'Requests/s',
      read: ({ window }) => window.requests_per_second,
    }),
    figure({
      name: 'tokens',
      fromWidth: 600,
      title: 'Tokens/s',
      help: 'Prompt and completion tokens a second',
      read: ({ window }) => window.tokens_per_second,
    }),
    figure({
      name: 'limited',
      fromWidth: 440,
      title: '429/s',
      help: 'Requests that a limit rejected',
      read: ({ window }) => window.rate_limited_per_second,
      tone: 'tone-warn',
    }),
    figure({
      name: 'errors',
      fromWidth: 880,
      title: 'Errors/s',
      help: 'Answers with a status of 400 or above, without 429s of limits',
      read: otherErrorsPerSecond,
      tone: 'tone-error',
    }),
    {
      name: 'first-token',
      fromWidth: 780,
      title: 'First token',
      help: 'Median time to the first token of streams',
      align: 'end',
      sortBy: (row) => figures.of(row).window.first_token_ms.achieved?.p50,
      render: ({ live: { window } }) => {
        const { achieved, planned } = window.first_token_ms
        return (
          <span
            class={achieved ? '' : 'muted'}
            title={planned ? `configured ${formatDuration(planned.p50)}` : undefined}
          >
            {formatDuration(achieved?.p50)}
          </span>
        )
      },
    },
    figure({ name: 'streams', fromWidth: 980, title: 'Streams', read: ({ streams }) => streams }),
    figure({
      name: 'queue',
      fromWidth: 1070,
      title: 'Queue',
      help: 'Requests that wait for a slot',
      read: ({ queue }) => queue,
    }),
  ]
}

const shortNames: Readonly<Record<LimitMeter['id'], string>> = {
  tokens: 'tokens',
  'output-tokens': 'output',
  requests: 'requests',
  'requests-in-minute': 'requests',
  utilization: 'PTU',
  slots: 'slots',
}

function UsedCell({ row }: { readonly row: DeploymentRow['live'] }) {
  const meter = mainMeter(metersOf(row))
  if (!meter) return <span class="muted">no limit</span>
  const share = Math.min(1, meter.share ?? 0)
  return (
    <span class={`used used-${meterLevel(meter)}`} title={`${meter.label}: ${describeMeter(meter)}`}>
      <span
        class="used-track"
        role="meter"
        aria-label={meter.label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(share * 100)}
        aria-valuetext={describeMeter(meter)}
      >
        <span class="used-bar" style={{ width: `${share * 100}%` }} />
      </span>
      <span class={`used-share ${share === 0 ? 'muted' : ''}`}>
        {meter.share === undefined ? formatCount(meter.used) : formatPercent(meter.share)}
      </span>
      <span class="used-what muted">{shortNames[meter.id]}</span>
    </span>
  )
}

const trendFigures = ['requests_per_second'] as const
const TREND_MS = 60_000

/** Requests of the last minute as a line. An idle deployment has none: reading its history would keep it. */
function Trend({ row: { resource, name, live } }: { readonly row: DeploymentRow }) {
  if (!isBusy(live)) return null
  const samples = history.samples({ resource, deployment: name }, trendFigures, TREND_MS)
  const values = samples.map(({ values }) => values[0] ?? null)
  const label = `Requests a second in the last minute, now ${formatShort(live.window.requests_per_second)}`
  return <Sparkline values={values} label={label} width={72} height={20} />
}
