import { z } from 'zod'

const count = z.int().min(0)
const id = z.int().min(1)
const text = z.string()
const ms = z.number()
const time = z.string().meta({ format: 'date-time' })

const retry = z.object({
  of: id.describe('The entry that it repeats.'),
  index: id.describe('1 for the first retry.'),
  waited_ms: ms,
  early: z.boolean().describe('It came before the wait that it was told had passed.'),
  forbidden: z.boolean().describe('It repeats what no repetition mends.'),
})

const usage = z.object({
  prompt_tokens: count,
  cached_tokens: count,
  completion_tokens: count,
  reasoning_tokens: count,
})

/** A request of the journal. Of `json`, `text` and `base64` it has the one that suits its body; none where that is empty or not kept. */
const journalEntrySchema = z
  .object({
    id: id.describe('Counts up, and never begins again.'),
    at: time,
    started_ms: ms.describe("On the clock's monotonic scale."),
    request_id: text.describe(
      "The one of the answer's headers (`apim-request-id`), the log and the upstream.",
    ),
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
    resource: text.optional().describe('Absent for the default one.'),
    deployment: text.nullable(),
    spilled_over_from: text.nullable(),
    client: text,
    caller: text.nullable(),
    status: z.int().min(100).max(599),
    limited_by: text.nullable(),
    retry_after_ms: ms.nullable(),
    usage: usage.nullable(),
    first_byte_ms: ms.nullable(),
    duration_ms: ms.nullable().describe('Null while the answer is on its way.'),
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

/** What the judge of retries has found. */
export const retryReportSchema = z
  .object({ since: time, totals, clients: z.array(client) })
  .meta({ id: 'RetryReport' })
