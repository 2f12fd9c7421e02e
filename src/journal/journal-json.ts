import { defaultResourceName } from '../config/config.ts'
import type { JournalEntry } from './journal-entry.ts'

/** Entries as the administration answers them, times in milliseconds; `null` stands for what is not known. */
export function journalJson(entries: readonly JournalEntry[]) {
  return { requests: entries.map(journalEntryJson) }
}

/** One of them. */
export function journalEntryJson(entry: JournalEntry) {
  // Whatever repeats another one has all of these.
  const { usage, retryOf, retryIndex = 1, waitedMs = 0, early = false, forbidden = false } = entry
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
    client: entry.client,
    caller: entry.caller ?? null,
    status: entry.status,
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
        : { of: retryOf, index: retryIndex, waited_ms: waitedMs, early, forbidden },
  }
}

/** The name of a resource; nothing for the default one. */
export function resourceJson({ resource }: { readonly resource: string }): { resource?: string } {
  return resource === defaultResourceName ? {} : { resource }
}

/** A body in the one form that suits it: JSON as it is, another text, or bytes. */
function bodyJson({ body, json }: JournalEntry) {
  if (body === undefined || body.length === 0) return {}
  if (json !== undefined) return { json }
  return typeof body === 'string' ? { text: body } : { base64: Buffer.from(body).toString('base64') }
}
