import * as z from 'zod'

const count = z.int().min(0)
const text = z.string()
const optionalText = text.nullable()
const ms = z.number()
const optionalMs = ms.nullable()

/** The facts of a sampled request. */
const summaryFields = {
  id: z.int().min(1).describe('Increasing; never reset.'),
  at: text.meta({ format: 'date-time' }),
  request_id: text.describe('The `apim-request-id` of the answer, the log and the upstream.'),
  method: text,
  path: text,
  query: text.describe('Values of credentials are `REDACTED`.'),
  operation: optionalText,
  resource: text.describe('`default` for a path without a prefix.'),
  deployment: optionalText,
  spilled_over_from: optionalText.describe(
    'The provisioned deployment at its limit from which the request spilled over.',
  ),
  upstream: optionalText,
  client: text.describe('As in the journal: the test, the caller, or a hash of the key.'),
  refusal: optionalText.describe('Why the key or token was refused.'),
  status: z.int().nullable().describe('Null until the answer is planned.'),
  stream_error_status: z
    .int()
    .nullable()
    .describe('Status of the error that a stream with status 200 reported instead of an answer.'),
  limited_by: optionalText.describe('The limit that rejected the request: tokens, requests or capacity.'),
  retry_after_ms: optionalMs.describe('The wait that the answer asks for.'),
  fault: optionalText.describe('Name of the injected fault.'),
  answered_by: optionalText.describe(
    'The source with the location of its recording, an extension, or the stage that rejected the request; `listener` for a body that is too large.',
  ),
  usage: z
    .object({
      prompt_tokens: count,
      cached_tokens: count,
      completion_tokens: count,
      reasoning_tokens: count,
    })
    .nullable(),
  streamed: z.boolean(),
  queued_ms: ms.describe('Time that the request waited for a slot of its deployment.'),
  first_byte_ms: optionalMs,
  first_token_ms: optionalMs.describe('First token of a stream.'),
  duration_ms: optionalMs.describe('Null while the answer is sent.'),
  aborted: z
    .boolean()
    .nullable()
    .describe('Whether the client disconnected before the end of the answer. Null until the end.'),
  cut: z
    .enum(['reset', 'close'])
    .nullable()
    .describe('How a fault cut the connection before the answer was complete.'),
  open: z.boolean().describe('Whether the request has not ended.'),
}

export const traceSummarySchema = z.object(summaryFields).meta({ id: 'TraceSummary' })

/** A sampled request, as lists and events have it. */
export type TraceSummary = z.output<typeof traceSummarySchema>

const messageFields = {
  headers: z.array(z.object({ name: text, value: text })).describe('Values of credentials are `[redacted]`.'),
  body: optionalText.describe('The start of the body. Null for a binary body.'),
  body_bytes: count.describe('Size of the complete body.'),
  body_truncated: z.boolean().describe('Whether `body` has only the first 64 KB.'),
  body_redacted: z.boolean().describe('Whether credentials were removed from `body`.'),
  media_cut: count.describe('Number of images, audio data and files that `body` has as their sizes only.'),
}

export const traceSchema = z
  .object({
    ...summaryFields,
    request: z.object(messageFields),
    response: z.object(messageFields),
    steps: z
      .array(
        z.object({
          name: text.describe('A stage or a source, or `queue`: the time that `latency` waited for a slot.'),
          detail: optionalText.describe('Name of the extension.'),
          start_ms: ms,
          own_ms: ms.describe('Time without the inner stages.'),
          total_ms: ms,
          changed: z
            .boolean()
            .describe('Whether the stage returned another body or status than the inner stages.'),
        }),
      )
      .describe('The stages in order. Times are milliseconds from the start of the request.'),
    chunks: z
      .array(
        z.object({
          planned_ms: optionalMs.describe('Due time; null for a part that is not scheduled.'),
          actual_ms: ms.describe('When the part was written to the socket, or passed to the caller.'),
          bytes: count,
          text: optionalText.describe('Null if it cannot be shown; see `response.body`.'),
        }),
      )
      .describe('The first 2,000 parts of the answer: events of a stream, or the whole body.'),
    chunks_total: count.describe('Number of all parts.'),
    reasons: z
      .array(text)
      .describe('Why the request was refused, delayed or interrupted, as sentences. Empty if it was not.'),
  })
  .meta({ id: 'Trace' })

/** A sampled request with its bodies, stages and parts. */
export type Trace = z.output<typeof traceSchema>

export const tracesSchema = z.object({
  traces: z.array(traceSummarySchema),
  total: count.describe('Number of kept requests that match.'),
  last_id: count.describe(
    'Id of the last sampled request, whether it matches or not; 0 before the first one.',
  ),
  seen: count.describe('Number of data-plane requests since the start, whether sampled or not.'),
})
