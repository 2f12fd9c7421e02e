import {
  apiVersionNotSupported,
  bodyTooLarge,
  deploymentNotFound,
  gatewayFailure,
  highDemand,
  HIGH_DEMAND_RETRY_AFTER_SECONDS,
  inaccessibleImage,
  invalidImage,
  invalidKey,
  malformedJson,
  operationNotSupported,
  inferenceRateLimited,
  rateLimited,
  repetitiveText,
  resourceNotFound,
  serverError,
  type ServiceError,
  temporarilyUnable,
  timedOut,
  gatewayError,
} from './errors.ts'
import {
  invalidToken,
  keysDisabled,
  networkDenied,
  permissionDenied,
  resourceBlocked,
} from './access-errors.ts'
import { contextLengthExceeded, promptLengthExceeded } from './chat/error-context-length.ts'
import { inputTooLong } from './responses/responses-errors.ts'
import { malformedMessages, promptTooLong } from './messages/messages-errors.ts'
import { isAnthropicOperation, isResponsesOperation, operations, type Operation } from './route.ts'
import { flexUnavailable } from './service-tier.ts'

/** The properties of a request that error messages contain. */
export interface FailedRequest {
  readonly deployment: string
  readonly model: string
  /** Size of the context window, in tokens. */
  readonly contextTokens: number
  /** Display name, such as `East US 2`. */
  readonly region: string
  readonly operation: Operation
  /** Whether the path requires an api-version. */
  readonly isDated: boolean
  readonly apiVersion: string | undefined
  readonly bodyBytes: number
  /** Retry-after in the message, in whole seconds. */
  readonly retryAfterSeconds: number
  /** GUID of the request. */
  readonly requestId: string
}

type ErrorOf = (request: FailedRequest) => ServiceError

/** Maximum size of an audio file, in bytes (25 MB, from the error text of the service). */
const AUDIO_LIMIT_BYTES = 26_214_400

const rateLimitError =
  (kind: 'token' | 'call'): ErrorOf =>
  (request) =>
    isAnthropicOperation(request.operation)
      ? inferenceRateLimited(request.deployment, request.model, request.region)
      : rateLimited({ ...request, kind, operationId: operations[request.operation].id })

/** An error with the text of Anthropic (reference of its API, "Errors") for its operations. */
const withText =
  (text: string, errorOf: ErrorOf): ErrorOf =>
  (request) =>
    isAnthropicOperation(request.operation)
      ? { ...errorOf(request), code: null, message: text }
      : errorOf(request)

/** Errors of the service by the names used in the configuration, ordered by status. */
export const namedErrors = {
  apiVersionNotSupported,
  operationNotSupported: ({ operation, model }) =>
    operationNotSupported(operations[operation].errorName, model),
  malformedJson: ({ operation }) => (isAnthropicOperation(operation) ? malformedMessages() : malformedJson()),
  contextLengthExceeded: ({ operation, contextTokens }) => {
    if (isResponsesOperation(operation)) return inputTooLong()
    const tokens = contextTokens + 1
    if (isAnthropicOperation(operation)) return promptTooLong(tokens, contextTokens)
    return operation === 'completions' || operation === 'embeddings'
      ? promptLengthExceeded({ contextTokens, promptTokens: tokens, completionTokens: 0 })
      : contextLengthExceeded({ contextTokens, messageTokens: tokens })
  },
  invalidImage,
  inaccessibleImage,
  repetitiveText,
  invalidKey,
  invalidToken: ({ isDated }) => invalidToken(isDated),
  permissionDenied: ({ requestId, operation, isDated }) => permissionDenied(requestId, operation, isDated),
  keysDisabled,
  networkDenied,
  resourceBlocked,
  resourceNotFound,
  deploymentNotFound: ({ operation }) => deploymentNotFound(operation),
  requestTimeout: () => timedOut(408),
  bodyTooLarge: ({ bodyBytes }) =>
    bodyTooLarge(AUDIO_LIMIT_BYTES, Math.max(bodyBytes, AUDIO_LIMIT_BYTES + 1)),
  tokenRateLimit: rateLimitError('token'),
  requestRateLimit: rateLimitError('call'),
  capacity429: ({ operation }) => highDemand(operation),
  temporaryAdjustment: rateLimitError('token'),
  flexUnavailable,
  serverError: withText('Internal server error', ({ requestId }) => serverError(requestId)),
  gatewayError: gatewayFailure,
  overloaded503: withText('Overloaded', temporarilyUnable),
  gatewayTimeout: () => timedOut(504),
} as const satisfies Readonly<Record<string, ErrorOf>>

/** The name of one of `namedErrors`. */
export type NamedError = keyof typeof namedErrors

/** All names of `namedErrors`. */
export const namedErrorNames = Object.keys(namedErrors) as NamedError[]

const rateLimitTypes: Readonly<Partial<Record<NamedError, string>>> = {
  tokenRateLimit: 'Tokens',
  requestRateLimit: 'Requests',
  temporaryAdjustment: 'Tokens',
}

function isRateLimit(name: NamedError): boolean {
  return name in rateLimitTypes
}

/** Returns the value of `x-ratelimit-type` of an error, or undefined for errors other than rate limits. */
export function rateLimitTypeOf(name: NamedError): string | undefined {
  return rateLimitTypes[name]
}

/** Returns the default retry-after of an error in seconds, or undefined for errors without one. */
export function defaultRetryAfterSeconds(name: NamedError): number | undefined {
  if (name === 'capacity429') return HIGH_DEMAND_RETRY_AFTER_SECONDS
  // The service counts requests in intervals of 10 seconds, so most of its 429s have at most this value.
  return isRateLimit(name) ? 10 : undefined
}

// Errors of the HTTP server, before a request is complete. They are not captured from the service. The format is that of its
// gateway, with the gateway's texts where they are known.

/** 400: the data is not valid HTTP. */
export function malformedRequest(): ServiceError {
  return gatewayError('edge', 400, 'BadRequest', 'The request is not well-formed HTTP/1.1.')
}

/** 408: the request did not arrive in time. The message is that of the service's timeouts (public reports). */
export function requestTimedOut(): ServiceError {
  return gatewayError('edge', 408, 'Timeout', 'The operation was timeout.')
}

/** 413: the extension of a chunk exceeds the limit of Node.js (16 KB). */
export function chunkExtensionTooLarge(): ServiceError {
  return gatewayError('edge', 413, 'RequestEntityTooLarge', 'The extensions of a chunk are too long.')
}

/** 431: the request line and headers exceed the limit. */
export function headersTooLarge(limitKb: number): ServiceError {
  return gatewayError(
    'edge',
    431,
    'RequestHeaderFieldsTooLarge',
    `The request line and the headers are longer than ${limitKb} KB.`,
  )
}

/** 417: the `expect` header is not `100-continue`. */
export function expectationFailed(): ServiceError {
  return gatewayError(
    'edge',
    417,
    'ExpectationFailed',
    'The only expectation that can be met is 100-continue.',
  )
}

/** 501: unsupported transfer coding of the body. */
export function unsupportedTransferCoding(): ServiceError {
  return gatewayError(
    'edge',
    501,
    'NotImplemented',
    'The only transfer coding that is understood is chunked.',
  )
}

/** 503: the memory limit for request bodies is reached. The text is that of the service under overload. */
export function bodyMemoryExhausted(): ServiceError {
  return gatewayError(
    'edge',
    503,
    'InternalServerError',
    'The service is temporarily unable to process your request. Please try again later.',
  )
}
