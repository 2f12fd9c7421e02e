import * as z from 'zod'
import { requestedTiers, servedTiers } from '../../wire/service-tier.ts'

const count = z.int().min(0)
const id = z.int().min(1)
const text = z.string()
const ms = z.number()
const time = z.string().meta({ format: 'date-time' })

const retry = z.object({
  of: id.describe('Id of the repeated entry.'),
  index: id.describe('1 for the first retry.'),
  waited_ms: ms,
  told_ms: ms.nullable().describe('The wait in the headers of the failed answer; null without one.'),
  early: z.boolean().describe('Sent before the requested wait was over.'),
  forbidden: z.boolean().describe('Repeats an error that a retry cannot fix.'),
})

const usage = z.object({
  prompt_tokens: count,
  cached_tokens: count,
  completion_tokens: count,
  reasoning_tokens: count,
})

/** A request of the journal. The body is in `json`, `text` or `base64`; all are absent if it is empty or not stored. */
const journalEntrySchema = z
  .object({
    id: id.describe('Increasing; never reset.'),
    at: time,
    started_ms: ms.describe('Monotonic time of the clock.'),
    request_id: text.describe('The `apim-request-id` of the answer, the log and the upstream.'),
    method: text,
    path: text,
    query: text,
    headers: z.record(z.string(), text),
    body_bytes: count,
    body_kept: z.boolean(),
    json: z.unknown().optional(),
    text: text.optional(),
    base64: text.optional(),
    operation: text.nullable(),
    resource: text.optional().describe('Absent for the default resource.'),
    deployment: text.nullable(),
    spilled_over_from: text.nullable(),
    upstream: text.nullable().describe('The upstream of a forwarded or recorded request.'),
    upstream_request_id: text.nullable().describe('Id of the request at the upstream.'),
    client: text,
    caller: text.nullable(),
    refusal: text.nullable().describe('Why the key or token was refused.'),
    status: z.int().min(100).max(599),
    stream_error_status: z
      .int()
      .nullable()
      .describe('Status of the error that a stream with status 200 reported instead of an answer.'),
    service_tier: z
      .object({ request: z.enum(requestedTiers), response: z.enum(servedTiers).nullable() })
      .nullable()
      .describe('Null for other operations than chat and responses, and for an unknown tier.'),
    limited_by: text.nullable(),
    retry_after_ms: ms.nullable(),
    usage: usage.nullable(),
    first_byte_ms: ms.nullable(),
    duration_ms: ms.nullable().describe('Null while the answer is sent.'),
    aborted: z.boolean().nullable(),
    streamed: z.boolean(),
    retry: retry.nullable(),
  })
  .meta({ id: 'JournalEntry' })

/** Requests of the journal, oldest first. */
export const journalSchema = z.object({ requests: z.array(journalEntrySchema) }).meta({ id: 'Journal' })

const totals = z.object({
  clients: count,
  forgotten_clients: count,
  requests: count,
  failures: count,
  retries: count,
  early: count,
  worst_shortfall_ms: ms,
  forbidden: count,
  herds: count,
  calls_while_limited: count,
})

const example = z.object({ id, retry_of: id, resource: text.optional(), deployment: text, status: text })
const herd = z.object({
  resource: text.optional(),
  deployment: text,
  size: count,
  at: time,
  failures_within_ms: ms,
})
const counts = z.record(z.string(), count)

const client = z.object({
  client: text,
  resource: text.optional(),
  requests: count,
  failures: count,
  failures_by_status: counts,
  retries: count,
  retries_by_status: counts,
  early: z.object({
    count,
    worst_shortfall_ms: ms,
    examples: z.array(example.extend({ told_ms: ms, waited_ms: ms })),
  }),
  forbidden: z.object({ count, examples: z.array(example) }),
  herds: z.object({ count, largest: herd.nullable() }),
  waited: z.object({ min_ms: ms, median_ms: ms, max_ms: ms }).nullable(),
  max_retry_index: count,
  calls_while_limited: count,
  new_requests_like_failed: count,
})

/** The retry report. */
export const retryReportSchema = z
  .object({ since: time, totals, clients: z.array(client) })
  .meta({ id: 'RetryReport' })
