import { gatewayError, type ServiceError } from './errors.ts'

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
