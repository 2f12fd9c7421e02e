import {
  apiVersionNotSupported,
  bodyTooLarge,
  deploymentNotFound,
  gatewayFailure,
  highDemand,
  HIGH_DEMAND_RETRY_AFTER_SECONDS,
  invalidImage,
  invalidKey,
  invalidToken,
  keysDisabled,
  malformedJson,
  networkDenied,
  operationNotSupported,
  permissionDenied,
  rateLimited,
  repetitiveText,
  resourceBlocked,
  resourceNotFound,
  serverError,
  type ServiceError,
  temporarilyUnable,
  timedOut,
  gatewayError,
} from './errors.ts'
import { contextLengthExceeded } from './chat/error-context-length.ts'
import { operations, type Operation } from './route.ts'

/** The request that an error answers, as far as errors tell of it. */
export interface FailedRequest {
  readonly deployment: string
  readonly model: string
  /** Tokens that the model reads and writes in all. */
  readonly contextTokens: number
  /** The display name: `East US 2`. */
  readonly region: string
  readonly operation: Operation
  readonly apiVersion: string | undefined
  readonly bodyBytes: number
  /** The wait that the error names, in whole seconds. */
  readonly retryAfterSeconds: number
  /** A guid of this request. */
  readonly requestId: string
}

type ErrorOf = (request: FailedRequest) => ServiceError

/** The largest audio file that the service takes, in bytes (25 MB of its own error text). */
const AUDIO_LIMIT_BYTES = 26_214_400

const limited =
  (kind: 'token' | 'call'): ErrorOf =>
  (request) =>
    rateLimited({ ...request, kind, operationId: operations[request.operation].id })

/** Errors of the service by names that a configuration can use, in the order of their status. */
export const namedErrors = {
  apiVersionNotSupported,
  operationNotSupported: ({ operation, model }) => operationNotSupported(operations[operation].word, model),
  malformedJson,
  contextLengthExceeded: ({ contextTokens }) =>
    contextLengthExceeded({ contextTokens, messageTokens: contextTokens + 1 }),
  invalidImage,
  repetitiveText,
  invalidKey,
  invalidToken,
  permissionDenied: ({ requestId, operation }) => permissionDenied(requestId, operations[operation].path),
  keysDisabled,
  networkDenied,
  resourceBlocked,
  resourceNotFound,
  deploymentNotFound,
  requestTimeout: () => timedOut(408),
  bodyTooLarge: ({ bodyBytes }) =>
    bodyTooLarge(AUDIO_LIMIT_BYTES, Math.max(bodyBytes, AUDIO_LIMIT_BYTES + 1)),
  tokenRateLimit: limited('token'),
  requestRateLimit: limited('call'),
  capacity429: highDemand,
  serverError: ({ requestId }) => serverError(requestId),
  gatewayError: gatewayFailure,
  overloaded503: temporarilyUnable,
  gatewayTimeout: () => timedOut(504),
} as const satisfies Readonly<Record<string, ErrorOf>>

/** The name of one of `namedErrors`. */
export type NamedError = keyof typeof namedErrors

/** All names of `namedErrors`. */
export const namedErrorNames = Object.keys(namedErrors) as NamedError[]

/** The wait that an error names unless it is told another one, in seconds; undefined for errors that name none. */
export function usualRetryAfterSeconds(name: NamedError): number | undefined {
  if (name === 'capacity429') return HIGH_DEMAND_RETRY_AFTER_SECONDS
  // The wait of a slice of requests, which most refusals of the service name at the longest.
  return name === 'tokenRateLimit' || name === 'requestRateLimit' ? 10 : undefined
}

// What a server answers before it has a whole request. None of these is captured from the service; the envelope is that of
// its gateway, and its texts are used where they are known.

/** 400: what came is not HTTP. */
export function malformedRequest(): ServiceError {
  return gatewayError('edge', 400, 'BadRequest', 'The request is not well-formed HTTP/1.1.')
}

/** 408: the request did not arrive in time. The message is the one of reports about the service's timeouts. */
export function requestTimedOut(): ServiceError {
  return gatewayError('edge', 408, 'Timeout', 'The operation was timeout.')
}

/** 413: an extension of a chunk, which nobody needs, is longer than Node takes (16 KB). */
export function chunkExtensionTooLarge(): ServiceError {
  return gatewayError('edge', 413, 'RequestEntityTooLarge', 'The extensions of a chunk are too long.')
}

/** 431: request line and headers are longer than the limit. */
export function headersTooLarge(limitKb: number): ServiceError {
  return gatewayError(
    'edge',
    431,
    'RequestHeaderFieldsTooLarge',
    `The request line and the headers are longer than ${limitKb} KB.`,
  )
}

/** 417: the request expects something else than to be told to go on. */
export function expectationFailed(): ServiceError {
  return gatewayError(
    'edge',
    417,
    'ExpectationFailed',
    'The only expectation that can be met is 100-continue.',
  )
}

/** 501: the body is encoded in a way that nobody undoes. */
export function unknownTransferCoding(): ServiceError {
  return gatewayError(
    'edge',
    501,
    'NotImplemented',
    'The only transfer coding that is understood is chunked.',
  )
}

/** 503: the bodies of other requests take all memory that there is for them. The text is the service's of an overload. */
export function noRoomForBody(): ServiceError {
  return gatewayError(
    'edge',
    503,
    'InternalServerError',
    'The service is temporarily unable to process your request. Please try again later.',
  )
}
