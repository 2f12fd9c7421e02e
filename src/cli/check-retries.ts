import { countOf, formatMs } from '../lib/number-format.ts'
import { forbiddenStatuses } from '../journal/retry-analyzer.ts'
import type { RetryReportJson } from '../journal/retry-report-json.ts'
import { OperatorError } from '../lib/operator-error.ts'
import type { CliHost } from './cli-host.ts'
import { fetchRetryReport } from './fetch-retry-report.ts'
import { givenKey } from './given-key.ts'
import { renderRetryReport } from './retry-report-text.ts'

/** What the judge may find, by the names that --fail-on takes. */
export const findings = ['early', 'forbidden', 'herds'] as const

/** One of `findings`. */
export type Finding = (typeof findings)[number]

/** What to ask, and what to make of it. */
export interface CheckRetriesOptions {
  readonly url: URL
  /** Absent: ADMIN_API_KEY, or else SIMULATOR_API_KEY. */
  readonly apiKey: string | undefined
  /** What is a failure; empty only reports. */
  readonly failOn: readonly Finding[]
  readonly isJson: boolean
}

/**
 * Prints how the clients of a running simulator have retried.
 *
 * @throws {OperatorError} RETRIES_JUDGED when something of `failOn` was found, SIMULATOR_UNAVAILABLE without a report,
 * CONFIG_INVALID without a key
 */
export async function checkRetries(host: CliHost, options: CheckRetriesOptions): Promise<void> {
  const apiKey = options.apiKey ?? givenKey(host, 'ADMIN_API_KEY') ?? givenKey(host)
  if (apiKey === undefined) {
    throw new OperatorError(
      'CONFIG_INVALID',
      'Could not ask the simulator: there is no key. Set SIMULATOR_API_KEY, or --api-key, to the one that it was started with, or ADMIN_API_KEY where it has one.',
    )
  }
  const report = await fetchRetryReport(options.url, apiKey)
  const lines = options.isJson ? [JSON.stringify(report, null, 2)] : renderRetryReport(report)
  host.stdout.write(`${lines.join('\n')}\n`)
  const faults = options.failOn.flatMap((finding) => describeFinding[finding](report.totals))
  if (faults.length === 0) return
  throw new OperatorError(
    'RETRIES_JUDGED',
    `Could not pass the retries (--fail-on ${options.failOn.join(',')}):${faults.map((fault) => `\n  ${fault}`).join('')}`,
  )
}

type Totals = RetryReportJson['totals']

const describeFinding: Readonly<Record<Finding, (totals: Totals) => string[]>> = {
  early: ({ early, worst_shortfall_ms: worstMs }) =>
    early === 0
      ? []
      : [
          `${countOf(early, 'retry')} came before the wait of the answer was over, by up to ${formatMs(worstMs)}. Let the client wait for retry-after-ms, or for retry-after in seconds, before it sends a request again.`,
        ],
  forbidden: ({ forbidden }) =>
    forbidden === 0
      ? []
      : [
          `${countOf(forbidden, 'retry')} repeated an error that stays the same (${[...forbiddenStatuses].join(', ')}). Let the client retry 408, 409, 429 and 500 and above only.`,
        ],
  herds: ({ herds }) =>
    herds === 0
      ? []
      : [
          `${countOf(herds, 'herd')} of retries came back at the same moment. Let the client add a random time to each wait, or send fewer requests at once.`,
        ],
}
