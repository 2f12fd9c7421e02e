import { formatNumber, printable, roundTo } from '../lib/format-text.ts'
import { paint, timeOfDay } from '../lib/terminal.ts'
import type { Live, LiveIncidents, LiveLimits, PlannedAndAchieved } from '../server/admin/live-stats.ts'
import type { WatchedState } from './watch-state.ts'

/** What the screen shows besides the figures. */
export interface WatchFacts {
  readonly url: URL
  /** Why there is no connection; undefined if there is one. */
  readonly lost: { readonly reason: string; readonly sinceMs: number } | undefined
  /** The latest log entries, oldest first. */
  readonly log: readonly string[]
}

/** Size of the screen in characters. */
export interface ScreenSize {
  readonly columns: number
  /** Infinity: as many lines as there are. */
  readonly rows: number
  readonly hasColor: boolean
}

const separator = '  '

/** Renders the figures as lines that fit the screen. */
export function renderScreen(state: WatchedState, facts: WatchFacts, size: ScreenSize): string[] {
  const { columns, rows, hasColor } = size
  const head = [
    ...headLines(state, facts, size),
    '',
    ...totalLines(state.totals, columns),
    ...incidentLines(state, columns),
    '',
  ]
  const table = deploymentTable(state, columns)
  const upstreams = upstreamLines(state, columns)
  // Always a line for the number of deployments that are not shown.
  const tableRows = Math.max(1, rows - head.length - upstreams.length - 1)
  const shown = table.rows.slice(0, table.rows.length <= tableRows ? tableRows : tableRows - 1)
  const hidden = table.rows.length - shown.length
  const lines = [
    ...head,
    paint(table.title, 'dim', hasColor),
    ...shown,
    ...(hidden > 0 ? [fit(`... ${hidden} more. Use a larger window or --deployment.`, columns)] : []),
    ...upstreams,
  ]
  const free = rows === Infinity ? 0 : rows - lines.length - 2
  const log = free > 0 ? facts.log.slice(-free) : []
  if (log.length > 0) lines.push('', paint(fit('log', columns), 'dim', hasColor))
  lines.push(...log.map((line) => fit(line, columns)))
  return lines.slice(0, rows)
}

function headLines(
  { simulator, at_ms }: WatchedState,
  { url, lost }: WatchFacts,
  size: ScreenSize,
): string[] {
  const { columns, hasColor } = size
  const { version, mode, clock, now, uptime_seconds: uptime, workers } = simulator
  const name = parts(
    [
      `${url.host}${url.pathname.replace(/\/+$/, '')}`,
      `${mode} mode`,
      `up ${duration(uptime)}`,
      workers === 1 ? '1 process' : `${workers} workers`,
      `version ${printable(version)}`,
      ...(clock === 'virtual' ? [`virtual clock ${now.slice(0, 19)}Z`] : []),
    ],
    columns - 10,
  )
  const first = `${name.padEnd(columns - 8)}${timeOfDay(at_ms)}`
  if (lost) {
    const text = `No connection since ${timeOfDay(lost.sinceMs)}: ${printable(lost.reason)}. Trying again.`
    return [fit(first, columns), ...wrap(text, columns).map((line) => paint(line, 'red', hasColor))]
  }
  return [fit(first, columns), ...verdictLines(simulator, size), ...storeLines(simulator, columns)]
}

function verdictLines(
  { keeps_up, bottleneck, lateness_ms: late, event_loop_lag_ms: lag }: WatchedState['simulator'],
  { columns, rows, hasColor }: ScreenSize,
): string[] {
  if (!keeps_up) {
    const lines = wrap(printable(bottleneck ?? ''), columns)
    return lines.slice(0, Math.max(2, rows / 6)).map((line) => paint(line, 'yellow', hasColor))
  }
  const text = parts(
    [
      'The simulator keeps up.',
      `late ${late ? `p99 ${ms(late.p99)}` : '-'}`,
      `event-loop lag p99 ${ms(lag.p99)}`,
    ],
    columns,
  )
  return [paint(text, 'green', hasColor)]
}

function storeLines(
  { config_store: store, recordings }: WatchedState['simulator'],
  columns: number,
): string[] {
  return [
    ...(store && store.state !== 'saved'
      ? [`CONFIG_STORE (${store.kind}) is ${store.state}, ${store.pending} changes pending.`]
      : []),
    ...(recordings?.writing === 'failing'
      ? [`Recordings cannot be written, ${formatNumber(recordings.lost)} answers lost.`]
      : []),
  ].map((line) => fit(line, columns))
}

/** The sums, as pairs of a title and a figure below it. */
function totalLines(totals: Live, columns: number): string[] {
  const { window } = totals
  const figures: readonly (readonly [title: string, value: string])[] = [
    ['requests/s', rate(window.requests_per_second)],
    ['tokens/s', rate(window.tokens_per_second)],
    ['429/s', rate(window.rate_limited_per_second)],
    ['errors/s', rate(window.errors_per_second)],
    ['active', count(totals.active)],
    ['streams', count(totals.streams)],
    ['queue', count(totals.queue)],
    ['requests', count(totals.requests)],
    ['errors', count(totals.errors)],
    ['p50 ms', time(window.latency_ms?.p50)],
    ['p95 ms', time(window.latency_ms?.p95)],
    ['disconnects', count(totals.client_disconnects)],
    ['faults', count(Object.values(totals.faults).reduce((sum, one) => sum + one, 0))],
  ]
  let titles = ''
  let values = ''
  for (const [title, value] of figures) {
    const width = Math.max(title.length, value.length, 8)
    const gap = titles === '' ? '' : separator
    if (titles.length + gap.length + width > columns) break
    titles += gap + title.padStart(width)
    values += gap + value.padStart(width)
  }
  return [titles, values]
}

function incidentLines({ incidents }: WatchedState, columns: number): string[] {
  return Object.entries(incidents)
    .filter(([, { running }]) => running)
    .map(([resource, incident]) =>
      parts(
        [
          `incident ${resource === 'default' ? '' : `${printable(resource)} `}${printable(incident.phase ?? 'between phases')}`,
          roundOf(incident),
          incident.ends_at === null ? 'endless' : `until ${timeOfDay(Date.parse(incident.ends_at))}`,
        ],
        columns,
      ),
    )
}

function roundOf({ round, rounds }: LiveIncidents): string {
  return rounds === null ? `round ${round}` : `round ${round} of ${rounds}`
}

/** A column of the table: its title, its width, and its text for a deployment. */
interface Column {
  readonly title: string
  readonly width: number
  readonly cell: (live: Live) => string
}

/** The most important columns precede the others: a narrow screen shows only the first ones. */
const columnsByImportance: readonly Column[] = [
  { title: 'req/s', width: 7, cell: ({ window }) => rate(window.requests_per_second) },
  { title: 'tokens/s', width: 8, cell: ({ window }) => rate(window.tokens_per_second) },
  { title: 'limit', width: 5, cell: ({ limits }) => limitUse(limits) },
  { title: '429/s', width: 6, cell: ({ window }) => rate(window.rate_limited_per_second) },
  {
    title: 'first (plan)',
    width: 13,
    cell: ({ window }) => planned(window.first_token_ms),
  },
  { title: 'token (plan)', width: 12, cell: ({ window }) => planned(window.between_tokens_ms) },
  { title: 'active', width: 6, cell: ({ active }) => count(active) },
  { title: 'errors/s', width: 8, cell: ({ window }) => rate(window.errors_per_second) },
  { title: 'p50 ms', width: 7, cell: ({ window }) => time(window.latency_ms?.p50) },
  { title: 'p95 ms', width: 7, cell: ({ window }) => time(window.latency_ms?.p95) },
  { title: 'queue', width: 5, cell: ({ queue }) => count(queue) },
  { title: 'streams', width: 7, cell: ({ streams }) => count(streams) },
  { title: 'requests', width: 11, cell: ({ requests }) => count(requests) },
  { title: 'errors', width: 9, cell: ({ errors }) => count(errors) },
  { title: 'prompt tokens', width: 14, cell: ({ tokens }) => count(tokens.prompt) },
  { title: 'completion', width: 12, cell: ({ tokens }) => count(tokens.completion) },
]

const MIN_NAME_WIDTH = 10
/** Names have at least this width if the screen is not narrow. */
const RESERVED_NAME_WIDTH = 16
const NARROW_COLUMNS = 60
const MAX_NAME_WIDTH = 40

interface Table {
  readonly title: string
  readonly rows: readonly string[]
}

/** The deployments, the busiest ones first. */
function deploymentTable({ resources }: WatchedState, columns: number): Table {
  const all = Object.entries(resources).flatMap(([resource, { deployments }]) =>
    Object.entries(deployments).map(([deployment, live]) => ({ name: nameOf(resource, deployment), live })),
  )
  all.sort((a, b) => busyness(b.live) - busyness(a.live) || (a.name < b.name ? -1 : 1))
  const longest = Math.max(MIN_NAME_WIDTH, ...all.map(({ name }) => name.length))
  const reserved = columns < NARROW_COLUMNS ? MIN_NAME_WIDTH : Math.min(longest, RESERVED_NAME_WIDTH)
  const chosen = columnsThatFit(columns - reserved)
  const used = chosen.reduce((sum, { width }) => sum + separator.length + width, 0)
  const nameWidth = Math.min(longest, MAX_NAME_WIDTH, Math.max(MIN_NAME_WIDTH, columns - used))
  const line = (name: string, cell: (column: Column) => string): string =>
    fit(
      [
        shortName(name, nameWidth).padEnd(nameWidth),
        ...chosen.map((column) => cell(column).padStart(column.width)),
      ].join(separator),
      columns,
    )
  if (all.length === 0) {
    return { title: line('deployment', ({ title }) => title), rows: [fit('No such deployment.', columns)] }
  }
  return {
    title: line('deployment', ({ title }) => title),
    rows: all.map(({ name, live }) =>
      line(name, ({ cell }) => {
        const text = cell(live)
        return text === '0' || text === '0 %' ? '-' : text
      }),
    ),
  }
}

/** Keeps the beginning and the end of a long name, because names often differ at the end. */
function shortName(name: string, width: number): string {
  if (name.length <= width) return name
  const tail = Math.floor((width - 2) / 2)
  return `${name.slice(0, width - 2 - tail)}..${name.slice(-tail)}`
}

function columnsThatFit(columns: number): readonly Column[] {
  let used = 0
  const next = columnsByImportance.findIndex(({ width }) => (used += separator.length + width) > columns)
  return next < 0 ? columnsByImportance : columnsByImportance.slice(0, next)
}

function nameOf(resource: string, deployment: string): string {
  const name = deployment === '' ? '(none)' : deployment
  return printable(resource === 'default' ? name : `${resource}/${name}`)
}

/** Deployments with requests first, then those that had some, then the others. */
function busyness({ window, active, requests }: Live): number {
  return window.requests_per_second * 1e6 + active * 1e3 + Math.min(999, requests)
}

function upstreamLines({ upstreams }: WatchedState, columns: number): string[] {
  const lines = Object.entries(upstreams).map(([name, { requests, errors, retries, latency_ms: latency }]) =>
    parts(
      [
        `upstream ${printable(name)}`,
        `${count(requests)} requests`,
        `${count(errors)} errors`,
        `${count(retries)} retries`,
        ...(latency ? [`p50 ${ms(latency.p50)}`] : []),
      ],
      columns,
    ),
  )
  return lines.length > 0 ? ['', ...lines] : []
}

/** Renders the sums as one line, for output that is not a terminal. */
export function renderLine({ at_ms, totals, simulator }: WatchedState): string {
  const { window } = totals
  const planOf = (name: string, { planned: plan, achieved }: PlannedAndAchieved): string[] =>
    achieved ? [`${name} p50 ${ms(achieved.p50)}${plan ? ` (planned ${ms(plan.p50)})` : ''}`] : []
  return [
    new Date(at_ms).toISOString(),
    `${rate(window.requests_per_second)} requests/s`,
    `${rate(window.tokens_per_second)} tokens/s`,
    `${rate(window.rate_limited_per_second)} 429/s`,
    `${rate(window.errors_per_second)} errors/s`,
    `${count(totals.active)} active`,
    `${count(totals.queue)} waiting`,
    ...planOf('first token', window.first_token_ms),
    ...planOf('between tokens', window.between_tokens_ms),
    simulator.keeps_up ? 'keeps up' : 'IS THE BOTTLENECK',
  ].join(separator)
}

/** A log entry in one line. */
export function logLine(data: unknown): string {
  const { time: at, level, message } = data as { time?: unknown; level?: unknown; message?: unknown }
  return `${timeOfDay(Date.parse(String(at)))} ${String(level).padEnd(5)} ${printable(String(message))}`
}

/** Share of the tightest limit that is used. */
function limitUse(limits: LiveLimits | null): string {
  if (!limits) return '-'
  if (limits.kind === 'provisioned') return percent(limits.utilization)
  const shares = [limits.tokens, limits.output_tokens, limits.requests].map((window) =>
    window ? window.used / window.limit : 0,
  )
  return percent(Math.max(0, ...shares))
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

/** Achieved and planned median: `312 (300)`. */
function planned({ planned: plan, achieved }: PlannedAndAchieved): string {
  if (!achieved) return '-'
  return `${time(achieved.p50)}${plan ? ` (${time(plan.p50)})` : ''}`
}

function time(value: number | undefined): string {
  return value === undefined ? '-' : formatNumber(roundTo(value, value < 100 ? 1 : 0))
}

function ms(value: number): string {
  return `${time(value)} ms`
}

function rate(value: number): string {
  return formatNumber(roundTo(value, value < 100 ? 1 : 0))
}

function count(value: number): string {
  return formatNumber(Math.round(value))
}

function duration(seconds: number): string {
  const whole = Math.floor(seconds)
  const [hours, minutes] = [Math.floor(whole / 3_600), Math.floor(whole / 60) % 60]
  if (hours > 0) return `${hours} h ${minutes} min`
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`
}

/** As many of the parts as fit, the first ones first. */
function parts(texts: readonly string[], columns: number): string {
  let line = ''
  for (const text of texts) {
    const longer = line === '' ? text : line + separator + text
    if (longer.length > columns) break
    line = longer
  }
  return line === '' ? fit(texts[0] ?? '', columns) : line
}

function fit(text: string, columns: number): string {
  return text.length > columns ? text.slice(0, columns) : text
}

/** Breaks a text between words. */
function wrap(text: string, columns: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line)
      line = ''
    }
    line = fit(line === '' ? word : `${line} ${word}`, columns)
  }
  return [...lines, line]
}
