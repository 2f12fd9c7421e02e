import { defaultResourceName } from '../config/config.ts'
import type { JournalEntry } from './journal-entry.ts'
import { roundTo } from '../lib/format-text.ts'
import type { Herd, Retry } from './retry-findings.ts'
import type { ClientReport, RetryReport } from './retry-report.ts'

/** Entries in the format of the admin API. Times are in milliseconds, unknown values are `null`. */
export function journalJson(entries: readonly JournalEntry[]) {
  return { requests: entries.map(journalEntryJson) }
}

export function journalEntryJson(entry: JournalEntry) {
  // A retry has all of these.
  const { usage, retryOf, retryIndex = 1, waitedMs = 0, toldMs, early = false, forbidden = false } = entry
  return {
    id: entry.id,
    at: entry.at,
    started_ms: entry.startedMs,
    request_id: entry.requestId,
    method: entry.method,
    path: entry.path,
    query: entry.query,
    headers: entry.headers,
    body_bytes: entry.bodyBytes,
    body_kept: entry.bodyKept,
    ...bodyJson(entry),
    operation: entry.operation ?? null,
    ...resourceJson(entry),
    deployment: entry.deployment ?? null,
    spilled_over_from: entry.spilledOverFrom ?? null,
    upstream: entry.upstream ?? null,
    upstream_request_id: entry.upstreamRequestId ?? null,
    client: entry.client,
    caller: entry.caller ?? null,
    refusal: entry.refusal ?? null,
    service_tier: entry.serviceTier
      ? { request: entry.serviceTier.requested, response: entry.serviceTier.served ?? null }
      : null,
    status: entry.status,
    stream_error_status: entry.streamErrorStatus ?? null,
    limited_by: entry.limitedBy ?? null,
    retry_after_ms: entry.retryAfterMs ?? null,
    usage: usage
      ? {
          prompt_tokens: usage.promptTokens,
          cached_tokens: usage.cachedTokens,
          completion_tokens: usage.completionTokens,
          reasoning_tokens: usage.reasoningTokens,
        }
      : null,
    first_byte_ms: entry.firstByteMs ?? null,
    duration_ms: entry.durationMs ?? null,
    aborted: entry.aborted ?? null,
    streamed: entry.streamed,
    retry:
      retryOf === undefined
        ? null
        : { of: retryOf, index: retryIndex, waited_ms: waitedMs, told_ms: toldMs ?? null, early, forbidden },
  }
}

/** The name of a resource. Left out for the default resource. */
function resourceJson({ resource }: { readonly resource: string }): { resource?: string } {
  return resource === defaultResourceName ? {} : { resource }
}

/** A body as JSON, else as text, else as base64. */
function bodyJson({ body, json }: JournalEntry) {
  if (body === undefined || body.length === 0) return {}
  if (json !== undefined) return { json }
  return typeof body === 'string' ? { text: body } : { base64: Buffer.from(body).toString('base64') }
}

/** A report in the format of the admin API. */
export type RetryReportJson = ReturnType<typeof retryReportJson>

/** A report in the format of the admin API. Times are in milliseconds, rounded to one decimal. */
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
    ...resourceJson(client),
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
