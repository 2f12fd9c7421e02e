import type { ClientStats } from './retry-analyzer.ts'
import type { Herd, Retry, RetryFindings } from './retry-findings.ts'

/** What the judge found out about one client. Times are milliseconds. */
export interface ClientReport {
  readonly client: string
  readonly requests: number
  /** Answers of 400 and above, and connections that a fault cut. */
  readonly failures: number
  /** By status, or `cut`. */
  readonly failuresByStatus: Readonly<Record<string, number>>
  readonly retries: number
  /** By the status that was repeated. */
  readonly retriesByStatus: Readonly<Record<string, number>>
  /** Retries that came before the wait that the answer told; the last few of them as examples. */
  readonly early: {
    readonly count: number
    readonly worstShortfallMs: number
    readonly examples: readonly Retry[]
  }
  /** Retries of what cannot succeed unchanged. */
  readonly forbidden: { readonly count: number; readonly examples: readonly Retry[] }
  readonly herds: { readonly count: number; readonly largest: Herd | undefined }
  /** How long retries waited; undefined without any. */
  readonly waited: { readonly minMs: number; readonly medianMs: number; readonly maxMs: number } | undefined
  /** 2 where a request was repeated twice. */
  readonly maxRetryIndex: number
  /** New requests to a deployment that had told the client to wait. */
  readonly callsWhileLimited: number
  /** Requests equal to a failed one that say of themselves that they are new, from a client that counts its retries. */
  readonly newRequestsLikeFailed: number
}

/** The sums over all clients, those that there was no more room for included. */
export interface ReportTotals {
  readonly clients: number
  /** Clients that are in the sums only. */
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

/** What the judge found out since the start, or since all was cleared. */
export interface RetryReport {
  /** ISO time. */
  readonly since: string
  /** Those with findings first, then by requests. */
  readonly clients: readonly ClientReport[]
  readonly totals: ReportTotals
  /** Turns a time of the report into an ISO time. */
  readonly isoTime: (ms: number) => string
}

/** Sums of nothing. */
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

/** Tells what is known of one client. */
export function reportClient(ledger: ClientStats): ClientReport {
  const findings: RetryFindings = ledger.findings()
  const { repeats, whileLimited } = ledger.newRequests
  const failures = [...ledger.failuresByStatus.values()]
  return {
    client: ledger.name,
    requests: ledger.requests,
    failures: failures.reduce((sum, count) => sum + count, 0),
    failuresByStatus: Object.fromEntries(ledger.failuresByStatus),
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
    callsWhileLimited: ledger.callsWhileLimited + whileLimited,
    newRequestsLikeFailed: repeats,
  }
}

/** Adds a client to sums. */
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

/** Orders clients: those with findings first, then by requests. */
export function byFindings(a: ClientReport, b: ClientReport): number {
  const found = ({ early, forbidden, herds }: ClientReport): number =>
    early.count + forbidden.count + herds.count
  return found(b) - found(a) || b.requests - a.requests
}
