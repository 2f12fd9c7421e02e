import { redactText } from '../lib/credential-texts.ts'
import type { ClientStats } from './retry-analyzer.ts'
import type { Herd, Retry, RetryFindings } from './retry-findings.ts'

/** Retry report for one client of one resource. Times are in milliseconds. */
export interface ClientReport {
  readonly client: string
  /** Name of the resource. */
  readonly resource: string
  readonly requests: number
  /** Answers with a status of 400 or above, and connections that a fault cut. */
  readonly failures: number
  /** By status, or `cut`. */
  readonly failuresByStatus: Readonly<Record<string, number>>
  readonly retries: number
  /** By the status of the failed answer. */
  readonly retriesByStatus: Readonly<Record<string, number>>
  /** Retries that came before the wait in the answer was over, with the last ones as examples. */
  readonly early: {
    readonly count: number
    readonly worstShortfallMs: number
    readonly examples: readonly Retry[]
  }
  /** Retries of requests that cannot succeed unchanged. */
  readonly forbidden: { readonly count: number; readonly examples: readonly Retry[] }
  readonly herds: { readonly count: number; readonly largest: Herd | undefined }
  /** Time from the failed answer to the retry. Undefined without retries. */
  readonly waited: { readonly minMs: number; readonly medianMs: number; readonly maxMs: number } | undefined
  /** Maximum number of retries of one request. */
  readonly maxRetryIndex: number
  /** New requests to a deployment during a wait that it had asked for. */
  readonly callsWhileLimited: number
  /** Requests equal to a failed one that state attempt 0, from a client that counts its attempts. */
  readonly newRequestsLikeFailed: number
}

/** Sums over all clients, including dropped ones. */
export interface ReportTotals {
  readonly clients: number
  /** Clients beyond the limit that were dropped. They are included in the sums only. */
  readonly forgottenClients: number
  readonly requests: number
  readonly failures: number
  readonly retries: number
  readonly early: number
  readonly worstShortfallMs: number
  readonly forbidden: number
  readonly herds: number
  readonly callsWhileLimited: number
}

/** Selects the clients of a retry report. */
export interface RetryReportFilter {
  /** Only requests to this resource. Default: all. */
  readonly resource?: string | undefined
}

/** Retry report since the start, or since the journal was cleared. */
export interface RetryReport {
  /** ISO time. */
  readonly since: string
  /** Clients with findings first, then by number of requests. */
  readonly clients: readonly ClientReport[]
  readonly totals: ReportTotals
  /** Converts a time of the report to ISO time. */
  readonly isoTime: (ms: number) => string
}

export const emptyTotals: ReportTotals = {
  clients: 0,
  forgottenClients: 0,
  requests: 0,
  failures: 0,
  retries: 0,
  early: 0,
  worstShortfallMs: 0,
  forbidden: 0,
  herds: 0,
  callsWhileLimited: 0,
}

/** The report for one client. */
export function reportClient(stats: ClientStats): ClientReport {
  const findings: RetryFindings = stats.findings()
  const { repeats, whileLimited } = stats.newRequests
  const failures = [...stats.failuresByStatus.values()]
  return {
    client: stats.name,
    resource: stats.resource,
    requests: stats.requests,
    failures: failures.reduce((sum, count) => sum + count, 0),
    failuresByStatus: Object.fromEntries(stats.failuresByStatus),
    retries: findings.retries,
    retriesByStatus: Object.fromEntries(findings.retriesByStatus),
    early: {
      count: findings.early,
      worstShortfallMs: findings.worstShortfallMs,
      examples: findings.earlyExamples,
    },
    forbidden: { count: findings.forbidden, examples: findings.forbiddenExamples },
    herds: findings.herds,
    waited: findings.waited,
    maxRetryIndex: findings.maxIndex,
    callsWhileLimited: stats.callsWhileLimited + whileLimited,
    newRequestsLikeFailed: repeats,
  }
}

/** Removes known keys from the names that requests choose: those of tests and of unknown deployments. */
export function withoutKeysIn(report: ClientReport, withoutKeys: (text: string) => string): ClientReport {
  const clean = <T extends { readonly deployment: string }>(found: T): T => ({
    ...found,
    deployment: withoutKeys(found.deployment),
  })
  const { early, forbidden, herds } = report
  return {
    ...report,
    client: withoutKeys(redactText(report.client)),
    early: { ...early, examples: early.examples.map(clean) },
    forbidden: { ...forbidden, examples: forbidden.examples.map(clean) },
    herds: { ...herds, largest: herds.largest && clean(herds.largest) },
  }
}

/** Adds a client to the totals. */
export function addToTotals(totals: ReportTotals, client: ClientReport): ReportTotals {
  return {
    clients: totals.clients + 1,
    forgottenClients: totals.forgottenClients,
    requests: totals.requests + client.requests,
    failures: totals.failures + client.failures,
    retries: totals.retries + client.retries,
    early: totals.early + client.early.count,
    worstShortfallMs: Math.max(totals.worstShortfallMs, client.early.worstShortfallMs),
    forbidden: totals.forbidden + client.forbidden.count,
    herds: totals.herds + client.herds.count,
    callsWhileLimited: totals.callsWhileLimited + client.callsWhileLimited,
  }
}

/** Sort order: clients with findings first, then by number of requests. */
export function byFindings(a: ClientReport, b: ClientReport): number {
  const found = ({ early, forbidden, herds }: ClientReport): number =>
    early.count + forbidden.count + herds.count
  return found(b) - found(a) || b.requests - a.requests
}
