import { promptErrorResultsJson, type PromptCategory } from './content-filters.ts'
import type { ErrorEnvelope, FilterFinding, ServiceError } from './errors.ts'
import { messagesErrorEvent, messagesErrorJson } from './messages/messages-errors.ts'
import { isAnthropicOperation, type Operation } from './route.ts'
import { dataEvent } from './sse.ts'
import { streamFailureOf } from './stream-failures.ts'
import { failureEvents } from './responses/failed-stream.ts'

/** The body of an error and its content type. */
export interface WrittenError {
  /** Exact text of the body. Sent as UTF-8. */
  readonly body: string
  /** Undefined: the answer has no Content-Type header. */
  readonly contentType: string | undefined
}

const json = 'application/json'
const jsonWithCharset = 'application/json; charset=utf-8'

/** The fields of an error in a stream. See `ServiceError` for their meanings. */
type StreamError = Pick<ServiceError, 'code' | 'type' | 'message' | 'param'> & Partial<ServiceError>

/** Writes errors in the format of one API. Add further APIs to `formats`. */
export interface WireFormat {
  /**
   * Writes the body of an error.
   *
   * @param requestId the gateway's id of the request, for APIs with errors that contain it
   */
  writeError(error: ServiceError, requestId: string): WrittenError
  /**
   * Writes the events of an error that ends an open stream.
   *
   * @param index index of the first of them in the stream, from 0
   * @param first the first event of the stream, or an empty text
   */
  writeErrorEvents(error: StreamError, index: number, first: string): string[]
}

/**
 * OpenAI's format, with the variants of Azure's layers. No error in a chat stream is captured. The simulator sends the fields of a
 * status 500 there, and both official clients throw on it.
 */
export const openAiFormat: WireFormat = {
  writeError(error, requestId) {
    const { contentType, write } = envelopes[error.envelope]
    return { body: write(error, requestId), contentType }
  },
  // Must be one line: a line feed would end the event. Errors of layers in front of the model have no type.
  writeErrorEvents: (error) => [dataEvent(error.envelope === 'gateway' ? gateway(error) : compact(error))],
}

/** The Responses API: the event `error`, then `response.failed` (captures of August to October 2026). */
const responses: WireFormat = {
  ...openAiFormat,
  writeErrorEvents: (error, index, first) => failureEvents(streamFailureOf(error), first, index),
}

/** The API of Anthropic. */
const messagesFormat: WireFormat = {
  writeError: (error, requestId) => ({ body: messagesErrorJson(error, requestId), contentType: json }),
  writeErrorEvents: (error) => [messagesErrorEvent(error)],
}

const formats: Readonly<Partial<Record<Operation, WireFormat>>> = { responses }

/** Returns the error format of an operation. Without an operation (unknown path), returns OpenAI's format. */
export function wireFormatOf(operation: Operation | undefined): WireFormat {
  if (operation === undefined) return openAiFormat
  return isAnthropicOperation(operation) ? messagesFormat : (formats[operation] ?? openAiFormat)
}

interface Envelope {
  readonly contentType: string | undefined
  readonly write: (error: ServiceError, requestId: string) => string
}

const envelopes: Readonly<Record<ErrorEnvelope, Envelope>> = {
  gateway: {
    contentType: json,
    write: gateway,
  },
  'gateway-spaced': {
    contentType: json,
    write: ({ code, message }) =>
      `{"error":{"code":${JSON.stringify(code)},"message": ${JSON.stringify(message)}}}`,
  },
  token: {
    contentType: json,
    write: ({ status, message }) => `{ "statusCode": ${status}, "message": ${JSON.stringify(message)} }`,
  },
  deployment: {
    contentType: undefined,
    write: ({ type, code, message }) => JSON.stringify({ error: { type, code, message } }, null, 2),
  },
  model: {
    contentType: json,
    write: ({ message, type, param, code }) =>
      `${JSON.stringify({ error: { message, type, param, code } }, null, 2)}\n`,
  },
  compact: { contentType: json, write: compact },
  sorted: {
    contentType: json,
    write: ({ code, inner, message, param, type }) =>
      inner
        ? `{"error":{"code":${JSON.stringify(code)},"inner_error":${imageInnerJson(inner)},"message":${JSON.stringify(message)},"type":${JSON.stringify(type)}}}`
        : JSON.stringify({ error: { code, message, param, type } }),
  },
  inference: {
    contentType: jsonWithCharset,
    write: ({ code, message }) => JSON.stringify({ error: { code, message, details: message } }),
  },
  'on-your-data': {
    contentType: 'application/json; charset=UTF-8',
    write: ({ status, message }, requestId) =>
      `{"error": {"requestid": "${requestId}", "code": ${status}, "message": ${JSON.stringify(message)}}}`,
  },
  simulator: {
    contentType: jsonWithCharset,
    write: ({ code, message, type, param, details }) =>
      JSON.stringify({ error: { code, message, type, param, ...details } }),
  },
}

function gateway({ code, message }: StreamError): string {
  return JSON.stringify({ error: { code, message } })
}

function compact({ status, message, type, param, code, inner, details }: StreamError): string {
  const members = JSON.stringify({ message, type, param, code, ...details })
  if (!inner) return `{"error":${members}}`
  const results = promptErrorResultsJson(inner.category)
  return `{"error":${members.slice(0, -1)},"status":${status},"innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":${results}}}}`
}

const safe = '{"filtered":false,"severity":"safe"}'
const harmful = '{"filtered":true,"severity":"high"}'
const harms = ['hate', 'self_harm', 'sexual', 'violence'] as const satisfies readonly PromptCategory[]

/** Filter results for the prompt of an image, with keys in alphabetical order. */
function imageInnerJson({ category, revisedPrompt = '' }: FilterFinding): string {
  const found = category === 'jailbreak'
  const results = [
    ...harms.map((name) => `"${name}":${name === category ? harmful : safe}`),
    `"jailbreak":{"detected":${found},"filtered":${found}}`,
  ]
  return `{"code":"ResponsibleAIPolicyViolation","content_filter_results":{${results.sort().join(',')}},"revised_prompt":${JSON.stringify(revisedPrompt)}}`
}
