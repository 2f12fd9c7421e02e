import type { ServiceError } from '../errors.ts'

/** The fields of an error from which the format of Anthropic Messages is written. */
type ReportedError = Pick<ServiceError, 'code' | 'message'> & {
  readonly type?: string | null
} & Partial<Pick<ServiceError, 'status' | 'envelope' | 'details'>>

/** Types of errors (reference of Anthropic's API, "Errors", and types of `@anthropic-ai/sdk` 1.14). */
const errorTypes = new Set([
  'invalid_request_error',
  'authentication_error',
  'billing_error',
  'permission_error',
  'not_found_error',
  'conflict_error',
  'request_too_large',
  'rate_limit_error',
  'timeout_error',
  'api_error',
  'overloaded_error',
])

const typesByStatus: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  409: 'conflict_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
  529: 'overloaded_error',
}

/** Types and codes of OpenAI's errors, which have no status when they come in a stream. */
const typesByOpenAiName = new Map([
  ['too_many_requests', 'rate_limit_error'],
  ['rate_limit_exceeded', 'rate_limit_error'],
  ['rate_limit_reached', 'rate_limit_error'],
  ['RateLimitReached', 'rate_limit_error'],
  ['insufficient_quota', 'rate_limit_error'],
  ['no_capacity', 'overloaded_error'],
  ['user_error', 'invalid_request_error'],
  ['forbidden', 'permission_error'],
  ['content_filter', 'invalid_request_error'],
])

function typeOf({ status, type, code }: ReportedError): string {
  if (type !== undefined && type !== null && errorTypes.has(type) && isTypeOf(status, type)) return type
  if (status === undefined) {
    return typesByOpenAiName.get(code ?? '') ?? typesByOpenAiName.get(type ?? '') ?? 'api_error'
  }
  return typesByStatus[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error')
}

/** OpenAI's `invalid_request_error` can have the status 401 or 404, for which Anthropic has other types. */
function isTypeOf(status: number | undefined, type: string): boolean {
  return type !== 'invalid_request_error' || status === undefined || typesByStatus[status] === undefined
}

/** The code of an error that only the simulator has is in its details, where the SDK of Anthropic looks for it (`errorCode`). */
function errorJson(error: ReportedError): string {
  const { message, code, envelope, details } = error
  const hasDetails = envelope === 'simulator' || details !== undefined
  const extra = hasDetails && code !== null ? { details: { error_code: code, ...details } } : {}
  return JSON.stringify({ type: typeOf(error), message, ...extra })
}

/** 400 of Anthropic. */
export function invalidMessages(message: string): ServiceError {
  const type = 'invalid_request_error'
  return { status: 400, code: null, type, message, param: null, layer: 'model', envelope: 'compact' }
}

/** 400: the body is not JSON, or not an object. */
export function malformedMessages(): ServiceError {
  return invalidMessages('The request body is not valid JSON.')
}

/**
 * 400: the service would hold the conversation. Tool runners of the SDKs of Anthropic ask for it, and send the whole conversation after
 * this answer. Assumed for Foundry; the code is that of the SDKs.
 */
export function threadsNotSupported(): ServiceError {
  const message = 'thread: Message threads are not supported for this deployment.'
  const code = 'thread_unsupported_request'
  return { ...invalidMessages(message), code, details: { unsupported: ['deployment'] } }
}

/** 400: the prompt is longer than the context. Both are in tokens. */
export function promptTooLong(tokens: number, contextTokens: number): ServiceError {
  return invalidMessages(`prompt is too long: ${tokens} tokens > ${contextTokens} maximum`)
}

/** The body of an error of Anthropic Messages. */
export function messagesErrorJson(error: ReportedError, requestId: string): string {
  return `{"type":"error","error":${errorJson(error)},"request_id":${JSON.stringify(requestId)}}`
}

/** The event that ends a stream of Anthropic Messages with an error. */
export function messagesErrorEvent(error: ReportedError): string {
  return `event: error\ndata: {"type":"error","error":${errorJson(error)}}\n\n`
}
