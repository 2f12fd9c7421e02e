import { countOf, formatMs, formatNumber, printable } from '../lib/format-text.ts'
import { forbiddenStatuses } from '../journal/retry-analyzer.ts'
import type { RetryReportJson } from '../journal/journal-json.ts'
import { OperatorError } from '../lib/operator-error.ts'
import { type CliHost, configuredKey } from './cli-host.ts'
import { parseFields } from '../lib/record.ts'
import { connectionReason, tlsAdvice } from '../lib/error-text.ts'

/** Kinds of findings, by the names that --fail-on accepts. */
export const findings = ['early', 'forbidden', 'herds'] as const

/** One of `findings`. */
export type Finding = (typeof findings)[number]

/** Options of `aoai-sim check retries`. */
export interface CheckRetriesOptions {
  readonly url: URL
  /** Default: ADMIN_API_KEY, or else SIMULATOR_API_KEY. */
  readonly apiKey: string | undefined
  /** Default: all resources. */
  readonly resource?: string | undefined
  /** Findings that fail the command. If empty, the command only reports. */
  readonly failOn: readonly Finding[]
  readonly isJson: boolean
}

/**
 * Prints how the clients of a running simulator have retried.
 *
 * @throws {OperatorError} RETRIES_JUDGED for a finding in `failOn`, SIMULATOR_UNAVAILABLE if there is no report, CONFIG_INVALID if
 * there is no key
 */
export async function checkRetries(host: CliHost, options: CheckRetriesOptions): Promise<void> {
  const apiKey = options.apiKey ?? configuredKey(host, 'ADMIN_API_KEY') ?? configuredKey(host)
  if (apiKey === undefined) {
    throw new OperatorError(
      'CONFIG_INVALID',
      'Could not read the retry report: there is no key. Set SIMULATOR_API_KEY or --api-key to the key of the simulator, or ADMIN_API_KEY if it has a separate admin key.',
    )
  }
  const report = await fetchRetryReport(options, apiKey)
  const lines = options.isJson ? [JSON.stringify(report, null, 2)] : renderRetryReport(report)
  host.stdout.write(`${lines.join('\n')}\n`)
  const faults = options.failOn.flatMap((finding) => describeFinding[finding](report.totals))
  if (faults.length === 0) return
  throw new OperatorError(
    'RETRIES_JUDGED',
    `Could not pass the check of retries (--fail-on ${options.failOn.join(',')}):${faults.map((fault) => `\n  ${fault}`).join('')}`,
  )
}

type Totals = RetryReportJson['totals']

const describeFinding: Readonly<Record<Finding, (totals: Totals) => string[]>> = {
  early: ({ early, worst_shortfall_ms: worstMs }) =>
    early === 0
      ? []
      : [
          `${countOf(early, 'retry')} came before retry-after had passed, by up to ${formatMs(worstMs)}. Let the client wait for retry-after-ms, or for retry-after in seconds, before it repeats a request.`,
        ],
  forbidden: ({ forbidden }) =>
    forbidden === 0
      ? []
      : [
          `${countOf(forbidden, 'retry')} repeated a request with an error that a retry cannot fix (${[...forbiddenStatuses].join(', ')}). Let the client retry 408, 409, 429 and 500 and above only.`,
        ],
  herds: ({ herds }) =>
    herds === 0
      ? []
      : [
          `${countOf(herds, 'herd')} of retries arrived at the same moment. Let the client add a random time to each wait, or send fewer concurrent requests.`,
        ],
}

/** Enough for a report about 10,000 clients. */
const TIMEOUT_MS = 30_000

/**
 * Fetches the retry report of a running simulator.
 *
 * @throws {OperatorError} SIMULATOR_UNAVAILABLE if it does not answer, rejects the key, or has no journal
 */
async function fetchRetryReport(
  { url, resource }: Pick<CheckRetriesOptions, 'url' | 'resource'>,
  apiKey: string,
): Promise<RetryReportJson> {
  const address = new URL(`${url.pathname.replace(/\/+$/, '')}/++/retry-report`, url)
  if (resource !== undefined) address.searchParams.set('resource', resource)
  const { status, text } = await get(address, apiKey)
  const body = parseFields(text)
  if (status === 200 && isReport(body)) return body
  if (status === 401) {
    throw unavailable(
      `Could not read ${address.href}: the simulator rejects the key (got 401). Set --api-key or SIMULATOR_API_KEY to the key of the simulator, or --admin-api-key or ADMIN_API_KEY if it has a separate admin key.`,
    )
  }
  if (codeOf(body) === 'JournalOff') {
    throw unavailable(
      `Could not read ${address.href}: the simulator has no journal. Start it with JOURNAL_SIZE=10000, and run your client again.`,
    )
  }
  throw unavailable(
    `Could not read ${address.href}: it is not a retry report (got ${status}). Set --url to a simulator of this version that was started with JOURNAL_SIZE=10000.`,
  )
}

async function get(address: URL, apiKey: string): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(address, {
      headers: { 'api-key': apiKey },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    return { status: response.status, text: await response.text() }
  } catch (error) {
    const reason = connectionReason(error)
    const fix = tlsAdvice(address, reason) ?? 'Start it with JOURNAL_SIZE=10000, or set --url to its address.'
    throw new OperatorError(
      'SIMULATOR_UNAVAILABLE',
      `Could not reach a simulator at ${address.origin}: ${reason}. ${fix}`,
      { cause: error },
    )
  }
}

function isReport(body: object): body is RetryReportJson {
  return (
    'clients' in body && Array.isArray(body.clients) && 'totals' in body && typeof body.totals === 'object'
  )
}

function codeOf(body: object): unknown {
  const { error } = body as { readonly error?: { readonly code?: unknown } | null }
  return error?.code
}

function unavailable(message: string): OperatorError {
  return new OperatorError('SIMULATOR_UNAVAILABLE', message)
}

type ClientJson = RetryReportJson['clients'][number]

/** Maximum number of rows in the table. Clients with findings precede the others. */
const MAX_ROWS = 20

/** Renders the report as lines of text: a table of clients, the findings for each, and a summary. */
function renderRetryReport({ since, clients, totals }: RetryReportJson): string[] {
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
  const rows = clients.map((client) => {
    const { requests, failures, retries, early, forbidden, herds } = client
    return [
      nameOf(client),
      ...[requests, failures, retries, early.count, forbidden.count, herds.count].map(formatNumber),
      early.count > 0 ? formatMs(early.worst_shortfall_ms) : '-',
    ]
  })
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

/** The name of a client, with the resource unless it is the default one. */
function nameOf({ client, resource }: ClientJson): string {
  return printable(resource === undefined ? client : `${resource}: ${client}`)
}

function findingsOf(client: ClientJson): string[] {
  const { early, forbidden, herds, retries, waited } = client
  const name = nameOf(client)
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
      `${name}: ${countOf(forbidden.count, 'retry')} of errors that a retry cannot fix; request ${repeated.id} repeated request ${repeated.retry_of}, answered with ${repeated.status}.`,
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
      `${name}: retries waited ${formatMs(waited.min_ms)} to ${formatMs(waited.max_ms)}, median ${formatMs(waited.median_ms)}.`,
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
  if (found.length === 0) return `No problems in ${countOf(retries, 'retry')} (${seen}).`
  return `Found in ${countOf(retries, 'retry')}: ${found.join(', ')} (${seen}).`
}
