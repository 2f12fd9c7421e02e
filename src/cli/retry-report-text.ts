import { countOf, formatMs, formatNumber } from '../lib/number-format.ts'
import type { RetryReportJson } from '../journal/retry-report-json.ts'
import { printable } from '../lib/printable.ts'

type ClientJson = RetryReportJson['clients'][number]

/** Most rows of the table: those with findings come first. */
const MAX_ROWS = 20

/** The report as lines for a person: a table of clients, what was found about each, and a verdict. */
export function renderRetryReport({ since, clients, totals }: RetryReportJson): string[] {
  const shown = clients.slice(0, MAX_ROWS)
  const hidden = totals.clients - shown.length
  return [
    ...(shown.length > 0 ? [...table(shown), ''] : []),
    ...(hidden > 0 ? [`${countOf(hidden, 'more client')}: see them all with --json.`, ''] : []),
    ...shown.flatMap(findingsOf),
    verdict(totals, since),
  ]
}

const titles = ['client', 'requests', 'failures', 'retries', 'early', 'forbidden', 'herds', 'worst shortfall']

function table(clients: readonly ClientJson[]): string[] {
  const rows = clients.map(({ client, requests, failures, retries, early, forbidden, herds }) => [
    printable(client),
    ...[requests, failures, retries, early.count, forbidden.count, herds.count].map(formatNumber),
    early.count > 0 ? formatMs(early.worst_shortfall_ms) : '-',
  ])
  const widths = titles.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  return [titles, ...rows].map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  )
}

function findingsOf(client: ClientJson): string[] {
  const { early, forbidden, herds, retries, waited } = client
  const name = printable(client.client)
  const lines: string[] = []
  const example = early.examples.at(-1)
  if (example) {
    lines.push(
      `${name}: ${early.count} of ${countOf(retries, 'retry')} came early; request ${example.id} repeated request ${example.retry_of} after ${formatMs(example.waited_ms)} of ${formatMs(example.told_ms)}.`,
    )
  }
  const repeated = forbidden.examples.at(-1)
  if (repeated) {
    lines.push(
      `${name}: ${countOf(forbidden.count, 'retry')} of what no retry mends; request ${repeated.id} repeated request ${repeated.retry_of}, a ${repeated.status}.`,
    )
  }
  if (herds.largest) {
    const { size, at, resource, failures_within_ms: spreadMs } = herds.largest
    const deployment = [resource, herds.largest.deployment].filter(Boolean).join('/')
    lines.push(
      `${name}: ${countOf(herds.count, 'herd')}; the largest was ${size} retries to ${printable(deployment) || 'no deployment'} at ${at}, after failures within ${formatMs(spreadMs)}.`,
    )
  }
  if (lines.length > 0 && waited) {
    lines.push(
      `${name}: retries waited ${formatMs(waited.min_ms)} to ${formatMs(waited.max_ms)}, half of them at most ${formatMs(waited.median_ms)}.`,
    )
  }
  return lines.length > 0 ? [...lines, ''] : []
}

function verdict(totals: RetryReportJson['totals'], since: string): string {
  const { requests, clients, retries, early, forbidden, herds } = totals
  const seen = `${countOf(requests, 'request')} of ${countOf(clients, 'client')} since ${since}`
  if (requests === 0) return `No requests since ${since}.`
  if (retries === 0) return `No retries in ${seen}.`
  const found = [
    early > 0 ? `${early} early` : '',
    forbidden > 0 ? `${forbidden} forbidden` : '',
    herds > 0 ? countOf(herds, 'herd') : '',
  ].filter((part) => part !== '')
  if (found.length === 0) return `Nothing is wrong with ${countOf(retries, 'retry')} in ${seen}.`
  return `Found in ${countOf(retries, 'retry')}: ${found.join(', ')} (${seen}).`
}
