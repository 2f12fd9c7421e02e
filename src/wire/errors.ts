import type { PromptCategory } from './content-filters.ts'
import { isResponsesOperation, type Operation } from './route.ts'
import {
  capacityFailure,
  limitFailure,
  missingDeploymentFailure,
  regionSlug,
  type FailureOrder,
  type StreamFailure,
} from './stream-failures.ts'

/**
 * The layer of the service that answers. It determines the headers of the answer in addition to the content type (captures of
 * 2024 to 2026):
 *
 * - `authentication`: only the date and `apim-request-id`.
 * - `edge`: additionally `strict-transport-security` and `x-content-type-options`; no region.
 * - `resource`: the headers of `edge` and `x-ms-region`.
 * - `limit`: the headers of the model layer and rate-limit headers. The request has not reached the model.
 * - `model`: the headers of the model layer and rate-limit headers. The limiter has counted the request.
 * - `filter`: the headers of the model layer with `x-ms-rai-invoked`, without rate-limit headers.
 */
export type ServiceLayer = 'authentication' | 'edge' | 'resource' | 'limit' | 'model' | 'filter'

/**
 * The variant of OpenAI's error format that a component of the service uses (`envelopes.ts`). APIs with another error format
 * ignore it.
 */
export type ErrorEnvelope =
  /** Code and message. */
  | 'gateway'
  /** The same with an extra space. */
  | 'gateway-spaced'
  /** Status and message, without a code. */
  | 'token'
  /** Type, code and message on several lines, without a content type. */
  | 'deployment'
  /** Message, type, param and code on several lines, with a final line feed. */
  | 'model'
  /** Message, type, param, code and the `details` of the error on one line. */
  | 'compact'
  /** Keys in alphabetical order. */
  | 'sorted'
  /** The id of the request, a numeric code and the message, with spaces. For chat requests with data sources. */
  | 'on-your-data'
  /** Code, message and the message again as details: the model inference API (`/models/...`). */
  | 'inference'
  /** Errors that the service does not have, with the `details` of the error. */
  | 'simulator'

/** The result of the content filter for a blocked prompt. */
export interface FilterFinding {
  readonly category: PromptCategory
  /** For images: the prompt as rewritten by the service. */
  readonly revisedPrompt?: string
}

/** An error of the service as data. The wire format of the request determines the bytes. */
export interface ServiceError {
  readonly status: number
  /** Reason phrase of the status line, if it is not the standard one. */
  readonly reason?: string
  readonly code: string | null
  /** OpenAI's type of the error; null for layers without types. */
  readonly type: string | null
  readonly message: string
  /** The invalid field of the request. */
  readonly param: string | null
  readonly inner?: FilterFinding
  /** Additional members of the error. */
  readonly details?: Readonly<Record<string, unknown>>
  readonly layer: ServiceLayer
  readonly envelope: ErrorEnvelope
  /** The failure that a streamed Responses request gets in its stream instead, with status 200. Absent: it gets the status. */
  readonly inStream?: StreamFailure
  /** Set by a fault: reports the error in the stream, independent of the limit profile, in this order. */
  readonly streamOrder?: FailureOrder
}

/** An error of a layer in front of the model, with only a code and a message. */
export function gatewayError(
  layer: ServiceLayer,
  status: number,
  code: string,
  message: string,
  envelope: ErrorEnvelope = 'gateway',
): ServiceError {
  return { status, code, type: null, message, param: null, layer, envelope }
}

/** 401: missing or wrong key. */
export function invalidKey(): ServiceError {
  const message =
    'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.'
  return { ...gatewayError('authentication', 401, '401', message), reason: 'PermissionDenied' }
}

/** 404: unknown path, or missing api-version. */
export function resourceNotFound(): ServiceError {
  const error = gatewayError('edge', 404, '404', 'Resource not found', 'gateway-spaced')
  return { ...error, reason: 'Resource Not Found' }
}

/** 404 of the Responses API (public test of a live endpoint, September 2026; its members after `type` are not captured). */
function responsesDeploymentNotFound(): ServiceError {
  const message =
    'Could not find an existing deployment to match the model in the request. Please verify the model matches an existing deployment in the account.'
  const error: ServiceError = { ...modelError(message, null, null), layer: 'resource', envelope: 'compact' }
  return { ...error, status: 404, type: 'user_error', inStream: missingDeploymentFailure(message) }
}

/**
 * 404: the deployment does not exist. Except in the Responses API, this form (captured in 2026) has no Content-Type, so official
 * clients report the raw text instead of the fields. In 2026, chat has it on v1 paths as well. No other API is captured there.
 */
export function deploymentNotFound(operation?: Operation): ServiceError {
  if (operation !== undefined && isResponsesOperation(operation)) return responsesDeploymentNotFound()
  return {
    status: 404,
    code: 'DeploymentNotFound',
    type: 'invalid_request_error',
    message:
      'The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again.',
    param: null,
    layer: 'resource',
    envelope: 'deployment',
  }
}

/** 400: unknown api-version. */
export function apiVersionNotSupported(): ServiceError {
  return gatewayError('edge', 400, 'BadRequest', 'API version not supported')
}

/** 400: `model` is missing on a path without a deployment (`/openai/v1/...`). */
export function modelRequired(): ServiceError {
  return { ...modelError('you must provide a model parameter', null, null), layer: 'resource' }
}

/** 400: `model` is missing in a request to Anthropic's API. */
export function messagesModelRequired(): ServiceError {
  return { ...modelError('model: Field required', null, null), layer: 'resource' }
}

/** 400: the model of the deployment does not support the operation. `operationName` is for example `chatCompletion`. */
export function operationNotSupported(operationName: string, model: string): ServiceError {
  const message = `The ${operationName} operation does not work with the specified model, ${model}. Please choose different model and try again. You can learn more about which models can be used with each operation here: https://go.microsoft.com/fwlink/?linkid=2197993.`
  return gatewayError('resource', 400, 'OperationNotSupported', message)
}

/**
 * 404: the model has another API (public reports of 2025 to 2026: Claude models on paths of OpenAI). The answer to other models on
 * paths of Anthropic is assumed to be the same, in Anthropic's envelope.
 */
export function apiNotSupported(): ServiceError {
  return gatewayError(
    'resource',
    404,
    'api_not_supported',
    'Requested API is currently not supported',
    'inference',
  )
}

/** Retry-after in seconds for a request that is larger than the whole limit. */
export const NEVER_FITS_RETRY_AFTER_SECONDS = 86_400

/** The values in the message of a 429. */
export interface RateLimitHit {
  readonly deployment: string
  readonly model: string
  /** Display name, such as `East US 2`. */
  readonly region: string
  /** Id of the operation, such as `ChatCompletions_Create`. */
  readonly operationId: string
  /** Undefined on paths that do not require one (`/openai/v1/...`). */
  readonly apiVersion: string | undefined
  /** The exceeded limit: tokens or requests ("calls"). */
  readonly kind: 'token' | 'call'
  /** Whether the deployment is provisioned; default: false. */
  readonly provisioned?: boolean
  /** Whole seconds. `NEVER_FITS_RETRY_AFTER_SECONDS` if the request is larger than the whole limit. */
  readonly retryAfterSeconds: number
}

/** 429: the limit of the deployment is exceeded. The text is that of the service since 2025. */
export function rateLimited(hit: RateLimitHit): ServiceError {
  const { deployment, model, region, kind, operationId, apiVersion, retryAfterSeconds } = hit
  const api =
    apiVersion === undefined ? 'OpenAI Language Model Instance API' : `Azure OpenAI API version ${apiVersion}`
  const wait = retryAfterSeconds === 1 ? '1 second' : `${retryAfterSeconds} seconds`
  const message = `Your requests to ${deployment} for ${model} in ${region} have exceeded the ${kind} rate limit for your current AIServices S0 pricing tier. This request was for ${operationId} under ${api}. Please retry after ${wait}. To increase your default rate limit, visit: https://aka.ms/oai/quotaincrease.`
  const inStream = limitFailure({ ...hit, kind: hit.provisioned ? 'throughput' : kind })
  return { ...gatewayError('limit', 429, 'RateLimitReached', message, 'gateway-spaced'), inStream }
}

/** 400: a request to `/models/...` names no model (public reports, 2025). */
export function inferenceModelRequired(): ServiceError {
  const message =
    'No model specified in request. Please provide a model name in the request body or as a x-ms-model-mesh-model-name header.'
  return gatewayError('resource', 400, 'no_model_name', message, 'inference')
}

/** 404: a request to `/models/...` names a deployment that does not exist (public reports, 2025). */
export function inferenceModelUnknown(name: string): ServiceError {
  return gatewayError('resource', 404, 'unknown_model', `Unknown model: ${name}`, 'inference')
}

/** 429 of `/models/...` (capture of August 2026). `region` is the display name. */
export function inferenceRateLimited(deployment: string, model: string, region: string): ServiceError {
  const message = `Your requests to ${deployment} for ${model} in ${regionSlug(region)} have exceeded rate limit.`
  return gatewayError('limit', 429, 'RateLimitReached', message, 'inference')
}

/** 413: the body exceeds the size limit. Both parameters are in bytes. The format is that of audio operations. */
export function bodyTooLarge(limitBytes: number, readBytes: number): ServiceError {
  const message = `Maximum content size limit (${limitBytes}) exceeded (${readBytes} bytes read)`
  return { ...serverFailure(413, message), layer: 'edge' }
}

/** 400: the body is not a JSON object. The text is that of the model layer. That of Azure's gateway is not captured. */
export function malformedJson(): ServiceError {
  return modelError(
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON. If you have trouble figuring out how to fix this, please contact us through our help center at help.openai.com.)",
    null,
    null,
  )
}

/** 500: internal error. `requestId` is the request id in the headers of the answer. */
export function serverError(requestId: string): ServiceError {
  const message = `The server had an error processing your request. Sorry about that! You can retry your request, or contact us through an Azure support request at: https://go.microsoft.com/fwlink/?linkid=2213926 if you keep seeing this error. (Please include the request ID ${requestId} in your email.)`
  return serverFailure(500, message)
}

/** An error in an open stream. The default message is that of a 500, shortened. */
export function streamError(
  message = 'The server had an error while processing your request. Sorry about that!',
): ServiceError {
  return serverFailure(500, message)
}

function serverFailure(status: number, message: string): ServiceError {
  return {
    status,
    code: null,
    type: 'server_error',
    message,
    param: null,
    layer: 'model',
    envelope: 'compact',
  }
}

/** 400 of the model layer: indented by two spaces, with a final line feed (derived from the length of captures). */
export function modelError(message: string, param: string | null, code: string | null): ServiceError {
  const type = 'invalid_request_error'
  return { status: 400, code, type, message, param, layer: 'model', envelope: 'model' }
}

/** 400: the content filter blocks the prompt. On one line, without a final line feed (captured in May 2026, 665 bytes). */
export function promptFiltered(category: PromptCategory): ServiceError {
  const message =
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry. To learn more about our content filtering policies please read our documentation: https://go.microsoft.com/fwlink/?linkid=2198766"
  return {
    status: 400,
    code: 'content_filter',
    type: null,
    message,
    param: 'prompt',
    inner: { category },
    layer: 'filter',
    envelope: 'compact',
  }
}

/** 400: too many completions (prompts times choices) for a legacy request. */
export function tooManyCompletions(submitted: number, max: number): ServiceError {
  return modelError(tooManyCompletionsText(submitted, max), null, null)
}

/** The message of `tooManyCompletions`. The unmatched bracket is part of the service's text (public reports, 2022 to 2023). */
export function tooManyCompletionsText(submitted: number, max: number): string {
  return `Too many parallel completions requested. You submitted ${submitted} prompts, but you can currently request up to at most a total of ${max}). Please contact us through our help center at help.openai.com for further questions. (HINT: if you want to just evaluate probabilities without generating new text, you can submit more prompts if you set 'max_tokens' to 0.)`
}

/** 400: the body must be a multipart form. The text is OpenAI's as generally known, not captured. */
export function audioFormExpected(contentType: string | undefined): ServiceError {
  const message = `Invalid Content-Type header (${contentType ?? 'none'}), expected multipart/form-data. (HINT: If you're using curl, you can pass -H 'Content-Type: multipart/form-data')`
  return modelError(message, null, null)
}

/** 400: the form is malformed. The text is OpenAI's as generally known, not captured. */
export function malformedForm(): ServiceError {
  return modelError('Could not parse multipart form', null, null)
}

/** Retry-after of the service while it lacks capacity, in seconds. */
export const HIGH_DEMAND_RETRY_AFTER_SECONDS = 20

/**
 * 429: the service lacks capacity, although the limits of the deployment are not reached. The message was captured in 2025.
 * The format around it is not captured. The Responses API has the code `no_capacity` (public report, 2026).
 */
export function highDemand(operation?: Operation): ServiceError {
  const inStream = capacityFailure()
  if (operation !== undefined && isResponsesOperation(operation)) {
    const { message, type, code } = inStream
    return { ...gatewayError('limit', 429, 'no_capacity', message, 'compact'), type, code, inStream }
  }
  const message = `The system is currently experiencing high demand and cannot process your request. Your request exceeds the maximum usage size allowed during peak load. Please retry after ${HIGH_DEMAND_RETRY_AFTER_SECONDS} seconds. For improved latency reliability, consider switching to Provisioned Throughput.`
  const code = 'too_many_requests'
  return { ...gatewayError('limit', 429, code, message, 'compact'), type: code, inStream }
}

/** 503: the service cannot process an accepted request (Microsoft Learn, "Troubleshoot errors"). */
export function temporarilyUnable(): ServiceError {
  const message = 'The service is temporarily unable to process your request. Please try again later.'
  return gatewayError('limit', 503, 'InternalServerError', message)
}

/** 429: too many requests on a path without a deployment. The text of the gateway (public reports, 2025). */
export function throttled(retryAfterSeconds: number): ServiceError {
  const message = `Rate limit is exceeded. Try again in ${retryAfterSeconds} seconds.`
  return gatewayError('limit', 429, '429', message)
}

/** 408 or 504: timeout of the service. The message is captured. The format around it is not. */
export function timedOut(status: 408 | 504): ServiceError {
  return gatewayError('resource', status, 'Timeout', 'The operation was timeout.')
}

/** 500 of the gateway in front of the model. From general knowledge, not captured. */
export function gatewayFailure(): ServiceError {
  return gatewayError('resource', 500, 'InternalServerError', 'Internal server error')
}

/** 400: invalid image (public reports). */
export function invalidImage(): ServiceError {
  return gatewayError('model', 400, 'BadRequest', 'Invalid image data.', 'sorted')
}

/** 400: the address of an image is neither a web address nor a data URL (public reports, 2024 and 2025). */
export function invalidImageUrl(): ServiceError {
  const message =
    'Invalid image URL. The URL must be a valid HTTP or HTTPS URL, or a data URL with base64 encoding.'
  return gatewayError('model', 400, 'BadRequest', message, 'sorted')
}

/** 400: the service cannot fetch an image (public reports). The simulator fetches none, so only faults have this error. */
export function inaccessibleImage(): ServiceError {
  const message = 'The provided image url is not accessible.'
  return gatewayError('model', 400, 'BadRequest', message, 'sorted')
}

/** 400: the prompt has too many repetitions (public reports). */
export function repetitiveText(): ServiceError {
  const message =
    "Sorry! We've encountered an issue with repetitive patterns in your prompt. Please try again with a different prompt."
  return { ...modelError(message, 'prompt', 'invalid_prompt'), envelope: 'compact' }
}
