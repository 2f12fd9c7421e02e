import { parseFields } from '../lib/record.ts'
import type { RetryReportJson } from '../journal/retry-report-json.ts'
import { connectionReason } from '../lib/error-text.ts'
import { OperatorError } from '../lib/operator-error.ts'

/** A report of 10,000 clients is made and sent in less. */
const TIMEOUT_MS = 30_000

/**
 * Asks a running simulator how its clients have retried.
 *
 * @throws {OperatorError} SIMULATOR_UNAVAILABLE when it does not answer, refuses the key, or keeps no journal
 */
export async function fetchRetryReport(url: URL, apiKey: string): Promise<RetryReportJson> {
  const address = new URL(`${url.pathname.replace(/\/+$/, '')}/++/retry-report`, url)
  const { status, text } = await get(address, apiKey)
  const body = parseFields(text)
  if (status === 200 && isReport(body)) return body
  if (status === 401) {
    throw unavailable(
      `Could not read ${address.href}: the key is not the simulator's (got 401). Set --api-key or SIMULATOR_API_KEY to the one that it was started with, or --admin-api-key or ADMIN_API_KEY where it has one.`,
    )
  }
  if (codeOf(body) === 'JournalOff') {
    throw unavailable(
      `Could not read ${address.href}: the simulator keeps no journal. Start it with JOURNAL_SIZE=10000, and run your client again.`,
    )
  }
  throw unavailable(
    `Could not read ${address.href}: no retry report is there (got ${status}). Set --url to a simulator of this version that was started with JOURNAL_SIZE=10000.`,
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
    throw new OperatorError(
      'SIMULATOR_UNAVAILABLE',
      `Could not reach a simulator at ${address.origin}: ${connectionReason(error)}. Start it with JOURNAL_SIZE=10000, or set --url to where it runs.`,
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
