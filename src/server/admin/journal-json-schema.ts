import type { JsonSchema } from '../../config/patch-json-schema.ts'
import { closedObject, mapOf, nullable } from './json-schemas.ts'

const count: JsonSchema = { type: 'integer', minimum: 0 }
const id: JsonSchema = { type: 'integer', minimum: 1 }
const text: JsonSchema = { type: 'string' }
const yesOrNo: JsonSchema = { type: 'boolean' }
const ms: JsonSchema = { type: 'number' }
const time: JsonSchema = { type: 'string', format: 'date-time' }

const retry = closedObject({
  of: { ...id, description: 'The entry that it repeats.' },
  index: { ...id, description: '1 for the first retry.' },
  waited_ms: ms,
  early: { ...yesOrNo, description: 'It came before the wait that it was told had passed.' },
  forbidden: { ...yesOrNo, description: 'It repeats what no repetition mends.' },
})

const usage = closedObject({
  prompt_tokens: count,
  cached_tokens: count,
  completion_tokens: count,
  reasoning_tokens: count,
})

const known = {
  id: { ...id, description: 'Counts up, and never begins again.' },
  at: time,
  started_ms: { ...ms, description: "On the clock's monotonic scale." },
  method: text,
  path: text,
  query: text,
  headers: mapOf(text),
  body_bytes: count,
  body_kept: yesOrNo,
  operation: nullable(text),
  deployment: nullable(text),
  spilled_over_from: nullable(text),
  client: text,
  caller: nullable(text),
  status: { type: 'integer', minimum: 100, maximum: 599 },
  limited_by: nullable(text),
  retry_after_ms: nullable(ms),
  usage: nullable(usage),
  first_byte_ms: nullable(ms),
  duration_ms: { ...nullable(ms), description: 'Null while the answer is on its way.' },
  aborted: nullable(yesOrNo),
  streamed: yesOrNo,
  retry: nullable(retry),
}

/** The body in the one form that suits it; none of them where it is empty or not kept. */
const body = { json: {}, text, base64: text }

const entry: JsonSchema = {
  type: 'object',
  properties: { ...known, ...body },
  required: Object.keys(known),
  additionalProperties: false,
}

const totals = closedObject({
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

const example = { id, retry_of: id, deployment: text, status: text }
const herd = closedObject({ deployment: text, size: count, at: time, failures_within_ms: ms })

const client = closedObject({
  client: text,
  requests: count,
  failures: count,
  failures_by_status: mapOf(count),
  retries: count,
  retries_by_status: mapOf(count),
  early: closedObject({
    count,
    worst_shortfall_ms: ms,
    examples: { type: 'array', items: closedObject({ ...example, told_ms: ms, waited_ms: ms }) },
  }),
  forbidden: closedObject({ count, examples: { type: 'array', items: closedObject(example) } }),
  herds: closedObject({ count, largest: nullable(herd) }),
  waited: nullable(closedObject({ min_ms: ms, median_ms: ms, max_ms: ms })),
  max_retry_index: count,
  calls_while_limited: count,
  new_requests_like_failed: count,
})

/** The schemas of the journal and its report, by their names in the document. */
export const journalSchemas: Readonly<Record<string, JsonSchema>> = {
  Journal: closedObject({ requests: { type: 'array', items: entry } }),
  RetryReport: closedObject({ since: time, totals, clients: { type: 'array', items: client } }),
}
