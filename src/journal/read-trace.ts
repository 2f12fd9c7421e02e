import { createKeyRedactor, redactQuery, redactText } from '../lib/credential-texts.ts'
import { roundTo } from '../lib/format-text.ts'
import { parseJson } from '../lib/parse-json.ts'
import { fieldsOf } from '../lib/record.ts'
import { redactBody } from '../lib/redact-credentials.ts'
import { headerIn } from '../pipeline/reply.ts'
import { redactHeaders } from './journal-entry.ts'
import type { StoredTrace, TraceRecord } from './trace-ring.ts'
import { type TracedBody, tracedText, TRUNCATED_TAIL_LENGTH } from './traced-body.ts'

/** Selects traces. Absent fields match all. */
export interface TraceFilter {
  readonly resource?: string | undefined
  readonly deployment?: string | undefined
  /** Such as `chatCompletions`. */
  readonly operation?: string | undefined
  readonly client?: string | undefined
  /** A status such as `429`, or a class such as `4xx`. The status of an error in a stream matches as well. */
  readonly status?: string | undefined
  /** Part of any text of the trace, also of the bodies; case-insensitive. */
  readonly text?: string | undefined
}

/** A stored trace with the lists of keys that must be removed from it. */
export interface ReadableTrace extends StoredTrace {
  readonly secrets: readonly (readonly string[])[]
}

/** Facts of a sampled request, in the format of the admin API. Times are in milliseconds from the start; unknown values are `null`. */
export type TraceSummary = ReturnType<typeof summaryOf>

/** A sampled request with its bodies, stages and parts, in the format of the admin API. */
export type TraceDetail = ReturnType<typeof detailOf>

/** Reads stored traces without credentials. */
export class TraceReader {
  /** Bodies of ended traces without credentials, for the search. */
  readonly #texts = new WeakMap<TraceRecord, string>()

  summary(trace: ReadableTrace): TraceSummary {
    return summaryOf(trace)
  }

  detail(trace: ReadableTrace): TraceDetail {
    return detailOf(trace)
  }

  matcher(filter: TraceFilter): (trace: ReadableTrace) => boolean {
    const { resource, deployment, operation, client, status } = filter
    const text = filter.text?.toLowerCase()
    return (trace) => {
      const { record } = trace
      return (
        (resource === undefined || record.resource === resource) &&
        (operation === undefined || record.operation === operation) &&
        (status === undefined || hasStatus(record, status)) &&
        (client === undefined || record.client === client) &&
        (deployment === undefined || record.deployment === deployment) &&
        (text === undefined || this.#hasText(trace, text))
      )
    }
  }

  #hasText(trace: ReadableTrace, text: string): boolean {
    const facts = Object.values(summaryOf(trace))
    if (facts.some((fact) => typeof fact === 'string' && fact.toLowerCase().includes(text))) return true
    const { body, answerBody } = trace.record
    // Redaction is slow, and adds no text that anyone looks for.
    if (!mayHaveText(body, text) && !mayHaveText(answerBody, text)) return false
    return this.#bodyTexts(trace).includes(text)
  }

  #bodyTexts(trace: ReadableTrace): string {
    const { record } = trace
    let texts = this.#texts.get(record)
    if (texts === undefined) {
      const clean = cleanerOf(trace)
      const { text: request } = clean.body(record.body, requestType(record))
      const { text: answer } = clean.body(record.answerBody, answerType(record), !isComplete(record))
      texts = `${request ?? ''}\n${answer ?? ''}`.toLowerCase()
      if (!record.isOpen) this.#texts.set(record, texts)
    }
    return texts
  }
}

function mayHaveText(body: TracedBody, text: string): boolean {
  return tracedText(body)?.toLowerCase().includes(text) ?? false
}

function hasStatus({ status, streamErrorStatus }: TraceRecord, wanted: string): boolean {
  return [status, streamErrorStatus].some((actual) => {
    if (actual === undefined) return false
    return wanted.endsWith('xx') ? `${Math.floor(actual / 100)}xx` === wanted : String(actual) === wanted
  })
}

function requestType({ headers }: TraceRecord): string | undefined {
  return headers['content-type']
}

function answerType({ answerHeaders }: TraceRecord): string | undefined {
  return headerIn(answerHeaders, 'content-type')
}

/** Whether the whole answer was sent. */
function isComplete({ isOpen, aborted, cut }: TraceRecord): boolean {
  return !isOpen && aborted !== true && cut === undefined
}

/** A body without credentials. */
interface CleanBody {
  /** Undefined for a binary body. */
  readonly text: string | undefined
  readonly isRedacted: boolean
}

/** Removes credentials from the texts of a trace. */
interface Cleaner {
  /** Removes known keys. */
  readonly keys: (text: string) => string
  /** @param isPartial the text can end within a key */
  readonly body: (body: TracedBody, contentType: string | undefined, isPartial?: boolean) => CleanBody
}

function cleanerOf({ secrets }: ReadableTrace): Cleaner {
  const redactors = secrets.map((list) => createKeyRedactor(() => list))
  const keys = (text: string): string => redactors.reduce((clean, redact) => redact(clean), text)
  return {
    keys,
    body(body, contentType, isPartial = false) {
      const whole = tracedText(body)
      if (whole === undefined) return { text: undefined, isRedacted: false }
      const clean = keys(redactBody(whole, contentType))
      const isRedacted = clean !== whole
      if (body.isTruncated) return { text: clean.slice(0, -TRUNCATED_TAIL_LENGTH), isRedacted }
      if (!isPartial) return { text: clean, isRedacted }
      const text = withoutPartialKey(clean, secrets.flat())
      return { text, isRedacted: isRedacted || text !== clean }
    },
  }
}

/** Fewer characters of a key do not identify it. */
const MIN_PARTIAL_KEY = 5

/** Removes the start of a key from the end of a text. */
function withoutPartialKey(text: string, keys: readonly string[]): string {
  for (const key of keys) {
    for (let length = Math.min(key.length, text.length); length >= MIN_PARTIAL_KEY; length--) {
      if (text.endsWith(key.slice(0, length))) return text.slice(0, -length)
    }
  }
  return text
}

const MS_DIGITS = 3

function ms(value: number | undefined): number | null {
  return value === undefined || !Number.isFinite(value) ? null : roundTo(value, MS_DIGITS)
}

function summaryOf(trace: ReadableTrace) {
  const { id, record } = trace
  const { keys } = cleanerOf(trace)
  const { usage } = record
  const text = (value: string | undefined): string | null => (value === undefined ? null : keys(value))
  return {
    id,
    at: new Date(record.epochMs).toISOString(),
    request_id: record.requestId,
    method: keys(record.method),
    path: keys(redactText(record.path)),
    query: keys(redactQuery(record.query)),
    operation: record.operation ?? null,
    resource: record.resource,
    deployment: text(record.deployment),
    spilled_over_from: text(record.spilledOverFrom),
    upstream: text(record.upstream),
    client: keys(redactText(record.client)),
    refusal: record.refusal ?? null,
    status: record.status ?? null,
    stream_error_status: record.streamErrorStatus ?? null,
    limited_by: record.limitedBy ?? null,
    retry_after_ms: ms(record.retryAfterMs),
    fault: text(record.fault),
    answered_by: text(record.answeredBy),
    usage: usage
      ? {
          prompt_tokens: usage.promptTokens,
          cached_tokens: usage.cachedTokens,
          completion_tokens: usage.completionTokens,
          reasoning_tokens: usage.reasoningTokens,
        }
      : null,
    streamed: record.streamed,
    queued_ms: ms(record.queuedMs) ?? 0,
    first_byte_ms: ms(record.firstByteMs),
    first_token_ms: ms(record.firstTokenMs),
    duration_ms: ms(record.durationMs),
    aborted: record.aborted ?? null,
    cut: record.cut ?? null,
    open: record.isOpen,
  }
}

function detailOf(trace: ReadableTrace) {
  const { record } = trace
  const clean = cleanerOf(trace)
  const { body, answerBody, chunksTotal } = record
  const request = clean.body(body, requestType(record))
  const answer = clean.body(answerBody, answerType(record), !isComplete(record))
  const answerHeaders: [string, string][] = []
  for (let index = 0; index < record.answerHeaders.length; index += 2)
    answerHeaders.push([record.answerHeaders[index] ?? '', record.answerHeaders[index + 1] ?? ''])
  return {
    ...summaryOf(trace),
    request: {
      headers: headersJson(Object.entries(record.headers), clean.keys),
      ...bodyJson(body, request),
    },
    response: {
      headers: headersJson(answerHeaders, clean.keys),
      ...bodyJson(answerBody, answer),
    },
    steps: record.steps.map((step) => ({
      name: step.name,
      detail: step.detail ?? null,
      start_ms: ms(step.startMs) ?? 0,
      own_ms: ms(step.ownMs) ?? 0,
      total_ms: ms(step.totalMs) ?? 0,
      changed: step.changed,
    })),
    chunks: chunksJson(trace, answer, clean),
    chunks_total: chunksTotal,
    reasons: reasonsOf(record, answer.text, clean.keys),
  }
}

function headersJson(
  headers: readonly (readonly [name: string, value: string | string[] | undefined])[],
  keys: Cleaner['keys'],
) {
  return headers.flatMap(([name, value]) =>
    [value ?? '']
      .flat()
      .map((one) => ({ name: keys(name), value: redactHeaders({ [name]: one }, keys)[name] ?? '' })),
  )
}

function bodyJson(body: TracedBody, { text, isRedacted }: CleanBody) {
  return {
    body: text ?? null,
    body_bytes: body.totalBytes,
    body_truncated: body.isTruncated,
    body_redacted: isRedacted,
    media_cut: body.mediaCount,
  }
}

function chunksJson(trace: ReadableTrace, answer: CleanBody, clean: Cleaner) {
  const { chunks } = trace.record
  const texts = chunkTexts(trace, answer, clean)
  return chunks.bytes.map((bytes, index) => ({
    planned_ms: ms(chunks.plannedMs[index]),
    actual_ms: ms(chunks.actualMs[index]) ?? 0,
    bytes,
    text: texts?.[index] ?? null,
  }))
}

/** The texts of the parts; undefined for a binary answer, and if a credential extends over several parts. */
function chunkTexts({ record }: ReadableTrace, answer: CleanBody, clean: Cleaner): string[] | undefined {
  const { answerBody, chunks } = record
  if (answer.text === undefined) return undefined
  // A character can extend over several parts.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let at = 0
  const texts = chunks.keptBytes.map((kept) => {
    at += kept
    return decoder.decode(answerBody.bytes.subarray(at - kept, at), { stream: true })
  })
  if (!answer.isRedacted && !answerBody.isTruncated) return texts
  const type = answerType(record)
  const cleanTexts = texts.map((text) => clean.keys(redactBody(text, type)))
  const joined = cleanTexts.join('')
  if (joined === answer.text) return cleanTexts
  if (!answerBody.isTruncated || !joined.startsWith(answer.text)) return undefined
  // The end of a truncated body is not shown.
  let left = answer.text.length
  return cleanTexts.map((text) => {
    const shown = text.slice(0, Math.max(0, left))
    left -= text.length
    return shown
  })
}

const MAX_REASON_LENGTH = 500

/** Why a request was refused, delayed or interrupted, as sentences. */
function reasonsOf(record: TraceRecord, answer: string | undefined, keys: Cleaner['keys']): string[] {
  const { limitedBy, retryAfterMs, fault, cut, queuedMs, streamErrorStatus, status = 0 } = record
  const limits = {
    tokens: 'The token limit of the deployment was reached.',
    requests: 'The request limit of the deployment was reached.',
    capacity: 'The queue of the deployment was full.',
  }
  const failure = status >= 400 || streamErrorStatus !== undefined ? errorIn(answer) : undefined
  const reasons = [
    record.refusal && `The key or token was refused: ${record.refusal}.`,
    limitedBy && limits[limitedBy],
    retryAfterMs !== undefined && `The answer asks the client to wait ${retryAfterMs / 1_000} s.`,
    record.spilledOverFrom && `${record.spilledOverFrom} was at its limit. The request spilled over from it.`,
    queuedMs > 0 && `The request waited ${roundTo(queuedMs, 1)} ms for a slot of the deployment.`,
    fault && `The fault ${fault} was injected.`,
    cut === 'reset' && 'A fault reset the connection before the answer was complete.',
    cut === 'close' && 'A fault closed the connection before the answer was complete.',
    record.upstreamFailure,
    streamErrorStatus !== undefined && `The stream reported an error with status ${streamErrorStatus}.`,
    failure,
    record.aborted && !cut && 'The client disconnected before the answer was complete.',
  ]
  return reasons
    .filter((reason) => typeof reason === 'string' && reason !== '')
    .map((reason) => keys(String(reason)).slice(0, MAX_REASON_LENGTH))
}

/** Returns code and message of an error body, or of an error event in a stream. */
function errorIn(answer: string | undefined): string | undefined {
  if (answer === undefined) return undefined
  const text = /^\s*\{/.test(answer) ? answer : (/^data: ?(\{.*"error".*\})\r?$/m.exec(answer)?.[1] ?? '')
  const body = fieldsOf(parseJson(Buffer.from(text)))
  const error = fieldsOf(body['error'] ?? fieldsOf(body['response'])['error'] ?? body)
  const { code, message, type } = error
  if (typeof message !== 'string') return undefined
  const name = [code, type].find((one) => typeof one === 'string' && one !== '')
  return typeof name === 'string' ? `${name}: ${message}` : message
}
