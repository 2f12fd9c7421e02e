import { roundTo } from '../lib/number-format.ts'
import { resourceJson } from './journal-json.ts'
import type { Herd } from './herd-watch.ts'
import type { Retry } from './retry-findings.ts'
import type { ClientReport, RetryReport } from './retry-report.ts'

/** A report as the administration answers it. */
export type RetryReportJson = ReturnType<typeof retryReportJson>

/** The JSON of a report; times in milliseconds, to a tenth. */
export function retryReportJson(report: RetryReport) {
  const { since, clients, totals, isoTime } = report
  return {
    since,
    totals: {
      clients: totals.clients,
      forgotten_clients: totals.forgottenClients,
      requests: totals.requests,
      failures: totals.failures,
      retries: totals.retries,
      early: totals.early,
      worst_shortfall_ms: roundTo(totals.worstShortfallMs, 1),
      forbidden: totals.forbidden,
      herds: totals.herds,
      calls_while_limited: totals.callsWhileLimited,
    },
    clients: clients.map((client) => clientJson(client, isoTime)),
  }
}

function clientJson(client: ClientReport, isoTime: RetryReport['isoTime']) {
  const { early, forbidden, herds, waited } = client
  return {
    client: client.client,
    requests: client.requests,
    failures: client.failures,
    failures_by_status: client.failuresByStatus,
    retries: client.retries,
    retries_by_status: client.retriesByStatus,
    early: {
      count: early.count,
      worst_shortfall_ms: roundTo(early.worstShortfallMs, 1),
      examples: early.examples.map(earlyJson),
    },
    forbidden: { count: forbidden.count, examples: forbidden.examples.map(exampleJson) },
    herds: { count: herds.count, largest: herds.largest ? herdJson(herds.largest, isoTime) : null },
    waited: waited
      ? {
          min_ms: roundTo(waited.minMs, 1),
          median_ms: roundTo(waited.medianMs, 1),
          max_ms: roundTo(waited.maxMs, 1),
        }
      : null,
    max_retry_index: client.maxRetryIndex,
    calls_while_limited: client.callsWhileLimited,
    new_requests_like_failed: client.newRequestsLikeFailed,
  }
}

function exampleJson({ id, of, resource, deployment, status }: Retry) {
  return { id, retry_of: of, ...resourceJson({ resource }), deployment, status }
}

function earlyJson(retry: Retry) {
  const { toldMs = 0, waitedMs } = retry
  return { ...exampleJson(retry), told_ms: roundTo(toldMs, 1), waited_ms: roundTo(waitedMs, 1) }
}

function herdJson(herd: Herd, isoTime: RetryReport['isoTime']) {
  const { deployment, size, atMs, failuresWithinMs } = herd
  return {
    ...resourceJson(herd),
    deployment,
    size,
    at: isoTime(atMs),
    failures_within_ms: roundTo(failuresWithinMs, 1),
  }
}
