import type { AnswerError, AnswerEvent } from '../answer/answer-events.ts'
import { textBody } from '../answer/body.ts'
import { parseFields, isRecord } from '../lib/record.ts'
import { readEvent } from '../lib/server-sent-events.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { HeaderList, type Reply } from '../pipeline/reply.ts'
import type { ApiForm } from '../wire/conversion.ts'
import { wireFormatOf } from '../wire/envelopes.ts'
import type { ServiceError } from '../wire/errors.ts'
import { withCallersName } from '../wire/parameter-names.ts'
import { errorOf } from '../wire/read-json.ts'

/**
 * Converts the reply of an upstream that refused a request or failed: status and headers are kept, and the body gets the form of
 * the caller's API. Chat completions and the Responses API have the same errors, of which only the name of a parameter can change.
 *
 * @param text body of the reply
 */
export function rejectedReply(exchange: Exchange, reply: Reply, text: string, forms: ConvertedForms): Reply {
  const members = errorMembers(text)
  const read = readError(members, text, reply.status)
  const { asked, answered } = forms
  const { error } = members
  if (
    asked !== 'messages' &&
    answered !== 'messages' &&
    isRecord(error) &&
    typeof error['message'] === 'string'
  ) {
    const { message, param = null } = named(exchange, read, forms)
    const isRenamed = message !== read.message || param !== (read.param ?? null)
    const isEvent = !/^\s*\{/.test(text)
    reply.headers = convertedHeaders(reply.headers, 'application/json')
    const renamed = isRenamed ? { ...members, error: { ...error, message, param } } : members
    reply.body = textBody(isRenamed || isEvent ? JSON.stringify(renamed) : text)
    return reply
  }
  return writeError(exchange, reply, reply.status, named(exchange, read, forms))
}

/** APIs of the caller and of the upstream. */
interface ConvertedForms {
  readonly asked: ApiForm
  readonly answered: ApiForm
}

/** An error of the upstream, with the parameter as the caller named it. */
function named({ json }: Exchange, error: AnswerError, { asked, answered }: ConvertedForms): AnswerError {
  return isRecord(json) ? withCallersName(error, json, answered, asked) : error
}

/** Converts the error that an upstream reports in an answer of status 200, before the caller has received any of the answer. */
export function failedReply(
  exchange: Exchange,
  reply: Reply,
  error: AnswerError,
  forms: ConvertedForms,
): Reply {
  // The phrase of status 200.
  delete reply.reason
  return writeError(exchange, reply, statusOf(error), named(exchange, error, forms))
}

function writeError(exchange: Exchange, reply: Reply, status: number, error: AnswerError): Reply {
  const { code, message, type, param = null } = error
  const full: ServiceError = {
    status,
    code,
    type: type ?? typeOf(status),
    message,
    param,
    layer: 'model',
    envelope: 'compact',
  }
  const { body, contentType } = wireFormatOf(exchange.route?.operation).writeError(full, exchange.id)
  reply.status = status
  reply.headers = convertedHeaders(reply.headers, contentType ?? 'application/json')
  reply.body = textBody(body)
  return reply
}

/** The members of the body of an error: JSON, or the data of the first event of a stream. */
function errorMembers(text: string): Readonly<Record<string, unknown>> {
  if (!/^\s*(?:event|data):/.test(text)) return parseFields(text)
  const frame = text.split(/\r?\n\r?\n/).find((part) => readEvent(part).data !== undefined) ?? ''
  return parseFields(readEvent(frame).data ?? '')
}

/** A longer text that is not JSON is cut. */
const MAX_TEXT_LENGTH = 500

/** Reads an error in any form: that of OpenAI, Azure, Anthropic, frameworks (`message`, `detail`), or text. */
function readError(members: Readonly<Record<string, unknown>>, text: string, status: number): AnswerError {
  const { error = members['type'] === 'error' ? members : undefined } = members
  const event: AnswerEvent | undefined = errorOf(error)
  if (event?.kind === 'error') return event.error
  const { message, detail = message, code, type } = members
  const known =
    typeof detail === 'string'
      ? detail
      : isRecord(detail) || Array.isArray(detail)
        ? JSON.stringify(detail)
        : undefined
  const isPlainText = Object.keys(members).length === 0 && /^\s*[^\s<{[]/.test(text)
  const plain = isPlainText ? text.trim().slice(0, MAX_TEXT_LENGTH) : undefined
  return {
    code: typeof code === 'string' ? code : null,
    message: known ?? plain ?? `The upstream answered with status ${status} and no message.`,
    ...(typeof type === 'string' && { type }),
  }
}

/** The type of an error without one, by its status. */
function typeOf(status: number): string {
  if (status >= 500) return 'server_error'
  return status === 429 ? 'too_many_requests' : 'invalid_request_error'
}

/** Statuses by codes and types of errors in answers of status 200. */
const statuses: Readonly<Record<string, number>> = {
  content_filter: 400,
  context_length_exceeded: 400,
  invalid_prompt: 400,
  invalid_request_error: 400,
  user_error: 400,
  authentication_error: 401,
  invalid_api_key: 401,
  billing_error: 402,
  forbidden: 403,
  permission_error: 403,
  DeploymentNotFound: 404,
  model_not_found: 404,
  not_found_error: 404,
  request_too_large: 413,
  insufficient_quota: 429,
  no_capacity: 429,
  rate_limit_error: 429,
  rate_limit_exceeded: 429,
  rate_limit_reached: 429,
  too_many_requests: 429,
  timeout_error: 504,
  overloaded_error: 529,
}

/** The status of an error, from its code or type; 500 for others. */
export function statusOf({ code, type }: AnswerError): number {
  const number = Number(code)
  if (Number.isInteger(number) && number >= 400 && number < 600) return number
  for (const name of [code, type]) {
    if (typeof name === 'string' && Object.hasOwn(statuses, name)) return statuses[name] ?? 500
  }
  return 500
}

/** Headers that describe the body of the upstream. Those with a `content-` prefix do, too. */
const bodyHeaders: ReadonlySet<string> = new Set([
  'accept-ranges',
  'age',
  'digest',
  'etag',
  'last-modified',
  'repr-digest',
  'transfer-encoding',
])

/** Names of the request id, one of which the clients of each API read. */
const requestIdHeaders = ['x-request-id', 'request-id'] as const

/**
 * The headers of a converted answer: those of the upstream, such as rate limits, region and request ids, without those of its body. The
 * request id has the names of all APIs.
 */
export function convertedHeaders(headers: HeaderList, contentType: string): HeaderList {
  const kept = new HeaderList(['Content-Type', contentType])
  for (const [name, value] of headers) {
    const lower = name.toLowerCase()
    if (!lower.startsWith('content-') && !bodyHeaders.has(lower)) kept.append(name, value)
  }
  const id = requestIdHeaders.map((name) => kept.get(name)).find((value) => value !== undefined)
  if (id !== undefined)
    for (const name of requestIdHeaders) if (kept.get(name) === undefined) kept.append(name, id)
  return kept
}
