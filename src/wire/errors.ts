import type { PromptCategory } from './content-filters.ts'

/**
 * The layer of the service that answers. It decides which headers an answer carries beside its content type (as captured in
 * 2024 to 2026):
 *
 * - `authentication`: date and `apim-request-id`, nothing else.
 * - `edge`: those, `strict-transport-security` and `x-content-type-options`; no region.
 * - `resource`: those of `edge` and `x-ms-region`.
 * - `limit`: the rate-limit headers and those of the model layer; the request has not reached its model.
 * - `model`: the rate-limit headers and those of the model layer; the limiter has counted the request.
 * - `filter`: those of the model layer with `x-ms-rai-invoked`; no rate-limit headers.
 */
export type ServiceLayer = 'authentication' | 'edge' | 'resource' | 'limit' | 'model' | 'filter'

/**
 * How the part of the service that found an error spells it in OpenAI's format (`envelopes.ts`). An API with another format
 * does not look at it.
 *
 * - `gateway`: code and message. `gateway-spaced`: the same with a stray space.
 * - `token`: status and message, without a code.
 * - `deployment`: type, code and message in several lines, without a content type.
 * - `model`: message, type, param and code in several lines, with a line feed at the end. `compact`: the same in one line.
 * - `sorted`: in alphabetical order.
 * - `simulator`: what the service does not have, with the error's `details`.
 */
export type ErrorEnvelope =
  'gateway' | 'gateway-spaced' | 'token' | 'deployment' | 'model' | 'compact' | 'sorted' | 'simulator'

/** What the content filter found in a prompt. */
export interface FilterFinding {
  readonly category: PromptCategory
  /** The prompt of an image, as the service would have rewritten it. */
  readonly revisedPrompt?: string
}

/** An error of the service, as data. The API of the request writes it. */
export interface ServiceError {
  readonly status: number
  /** The status phrase, where it is not the standard one. */
  readonly reason?: string
  readonly code: string | null
  /** The kind of error, in OpenAI's words; null where the layer has none. */
  readonly type: string | null
  readonly message: string
  /** The field of the request that is wrong. */
  readonly param: string | null
  readonly inner?: FilterFinding
  /** Further members, for errors of the simulator's own. */
  readonly details?: Readonly<Record<string, unknown>>
  readonly layer: ServiceLayer
  readonly envelope: ErrorEnvelope
}

/** An error of a layer in front of the model: it has a code and a message. */
export function gatewayError(
  layer: ServiceLayer,
  status: number,
  code: string,
  message: string,
  envelope: ErrorEnvelope = 'gateway',
): ServiceError {
  return { status, code, type: null, message, param: null, layer, envelope }
}

/** 401: no key, or one that is not the resource's. */
export function invalidKey(): ServiceError {
  const message =
    'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.'
  return { ...gatewayError('authentication', 401, '401', message), reason: 'PermissionDenied' }
}

/** 404: a path that the service does not have, or one that lacks its api-version. */
export function resourceNotFound(): ServiceError {
  const error = gatewayError('edge', 404, '404', 'Resource not found', 'gateway-spaced')
  return { ...error, reason: 'Resource Not Found' }
}

/**
 * 404: the path names no deployment of the resource. The form of 2026, which has no Content-Type, so that the
 * official clients hand on its text instead of its fields.
 */
export function deploymentNotFound(): ServiceError {
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

/** 400: an api-version that the service does not know. */
export function apiVersionNotSupported(): ServiceError {
  return gatewayError('edge', 400, 'BadRequest', 'API version not supported')
}

/** 400: a request without `model` where only the body can name the deployment (`/openai/v1/...`). */
export function modelRequired(): ServiceError {
  return { ...modelError('you must provide a model parameter', null, null), layer: 'resource' }
}

/** 400: the deployment's model cannot do what the path asks for. `word` is the operation's: `chatCompletion`. */
export function operationNotSupported(word: string, model: string): ServiceError {
  const message = `The ${word} operation does not work with the specified model, ${model}. Please choose different model and try again. You can learn more about which models can be used with each operation here: https://go.microsoft.com/fwlink/?linkid=2197993.`
  return gatewayError('resource', 400, 'OperationNotSupported', message)
}

/** The wait that the service names, in seconds, for a request that is larger than the whole limit. */
export const NEVER_FITS_RETRY_AFTER_SECONDS = 86_400

/** What a 429 tells its reader. */
export interface RateLimitHit {
  readonly deployment: string
  readonly model: string
  /** The display name: `East US 2`. */
  readonly region: string
  /** The operation's id: `ChatCompletions_Create`. */
  readonly operationId: string
  /** Undefined on the paths that need none (`/openai/v1/...`). */
  readonly apiVersion: string | undefined
  /** The limit that was hit: tokens or requests ("calls"). */
  readonly kind: 'token' | 'call'
  /** Whole seconds; `neverFitsRetryAfterSeconds` where waiting does not help. */
  readonly retryAfterSeconds: number
}

/** 429: over the deployment's limit. The text is the second generation's, from 2025 on. */
export function rateLimited(hit: RateLimitHit): ServiceError {
  const { deployment, model, region, kind, operationId, apiVersion, retryAfterSeconds } = hit
  const api =
    apiVersion === undefined ? 'OpenAI Language Model Instance API' : `Azure OpenAI API version ${apiVersion}`
  const wait = retryAfterSeconds === 1 ? '1 second' : `${retryAfterSeconds} seconds`
  const message = `Your requests to ${deployment} for ${model} in ${region} have exceeded the ${kind} rate limit for your current AIServices S0 pricing tier. This request was for ${operationId} under ${api}. Please retry after ${wait}. To increase your default rate limit, visit: https://aka.ms/oai/quotaincrease.`
  return gatewayError('limit', 429, 'RateLimitReached', message, 'gateway-spaced')
}

/** 413: a body above the size limit; both numbers in bytes. The envelope is the one of the audio operations. */
export function bodyTooLarge(limitBytes: number, readBytes: number): ServiceError {
  const message = `Maximum content size limit (${limitBytes}) exceeded (${readBytes} bytes read)`
  return { ...serverFailure(413, message), layer: 'edge' }
}

/** 400: a body that is not a JSON object. The text of the model layer; Azure's own front door is not captured. */
export function malformedJson(): ServiceError {
  return modelError(
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON. If you have trouble figuring out how to fix this, please contact us through our help center at help.openai.com.)",
    null,
    null,
  )
}

/** 500: the service failed. `requestId` is the one of the answer's headers. */
export function serverError(requestId: string): ServiceError {
  const message = `The server had an error processing your request. Sorry about that! You can retry your request, or contact us through an Azure support request at: https://go.microsoft.com/fwlink/?linkid=2213926 if you keep seeing this error. (Please include the request ID ${requestId} in your email.)`
  return serverFailure(500, message)
}

/** An error in an open stream. The text without a message of its own is that of the service's 500, shortened. */
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

/** 400 of the model layer: pretty-printed with two spaces and a line feed at the end, as the length of captures shows. */
export function modelError(message: string, param: string | null, code: string | null): ServiceError {
  const type = 'invalid_request_error'
  return { status: 400, code, type, message, param, layer: 'model', envelope: 'model' }
}

/** 400: the content filter refuses the prompt. Compact, without a line feed, as captured in May 2026 (665 bytes). */
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

/** 400: more completions (prompts times choices) than one legacy request may ask for. */
export function tooManyCompletions(submitted: number, most: number): ServiceError {
  return modelError(tooManyCompletionsText(submitted, most), null, null)
}

/** The message of `tooManyCompletions`, with the service's own stray bracket (public reports, 2022 to 2023). */
export function tooManyCompletionsText(submitted: number, most: number): string {
  return `Too many parallel completions requested. You submitted ${submitted} prompts, but you can currently request up to at most a total of ${most}). Please contact us through our help center at help.openai.com for further questions. (HINT: if you want to just evaluate probabilities without generating new text, you can submit more prompts if you set 'max_tokens' to 0.)`
}

/** 400: a body without the form that files come in. The wording is OpenAI's as generally known, not captured. */
export function audioFormExpected(contentType: string | undefined): ServiceError {
  const message = `Invalid Content-Type header (${contentType ?? 'none'}), expected multipart/form-data. (HINT: If you're using curl, you can pass -H 'Content-Type: multipart/form-data')`
  return modelError(message, null, null)
}

/** 400: a form that cannot be read. The wording is OpenAI's as generally known, not captured. */
export function brokenForm(): ServiceError {
  return modelError('Could not parse multipart form', null, null)
}

/** The wait that the service names while it lacks capacity, in seconds. */
export const HIGH_DEMAND_RETRY_AFTER_SECONDS = 20

/**
 * 429: the deployment's machines are busy, whatever its limits allow. The message is captured from the service in
 * 2025, the envelope around it is not.
 */
export function highDemand(): ServiceError {
  const message = `The system is currently experiencing high demand and cannot process your request. Your request exceeds the maximum usage size allowed during peak load. Please retry after ${HIGH_DEMAND_RETRY_AFTER_SECONDS} seconds. For improved latency reliability, consider switching to Provisioned Throughput.`
  const code = 'too_many_requests'
  return { ...gatewayError('limit', 429, code, message, 'compact'), type: code }
}

/** 503: a request that was accepted could not be worked on (Microsoft Learn, "Troubleshoot errors"). */
export function temporarilyUnable(): ServiceError {
  const message = 'The service is temporarily unable to process your request. Please try again later.'
  return gatewayError('limit', 503, 'InternalServerError', message)
}

/** 429: too many requests on a path without a deployment. The text of the gateway, as users report it (2025). */
export function throttled(retryAfterSeconds: number): ServiceError {
  const message = `Rate limit is exceeded. Try again in ${retryAfterSeconds} seconds.`
  return gatewayError('limit', 429, '429', message)
}

/** 401: a token that is missing, expired or for another audience (public reports; the gateway's own envelope). */
export function invalidToken(): ServiceError {
  return {
    status: 401,
    code: null,
    type: null,
    message:
      'Unauthorized. Access token is missing, invalid, audience is incorrect (https://cognitiveservices.azure.com), or have expired.',
    param: null,
    layer: 'authentication',
    envelope: 'token',
  }
}

/**
 * 401: the token's principal has no role that allows the operation (public reports). `{deployment-id}` stands literally
 * in the service's own text.
 *
 * @param principal a guid
 * @param path of the operation behind the deployment: `chat/completions`
 */
export function permissionDenied(principal: string, path: string): ServiceError {
  const message = `The principal \`${principal}\` lacks the required data action \`Microsoft.CognitiveServices/accounts/OpenAI/deployments/${path}/action\` to perform \`POST /openai/deployments/{deployment-id}/${path}\` operation.`
  return gatewayError('authentication', 401, 'PermissionDenied', message)
}

/** 403: the resource takes tokens only (public reports). */
export function keysDisabled(): ServiceError {
  return gatewayError(
    'edge',
    403,
    'AuthenticationTypeDisabled',
    'Key based authentication is disabled for this resource.',
    'gateway-spaced',
  )
}

/** 403: the caller's network is not let in (public reports). */
export function networkDenied(): ServiceError {
  return gatewayError(
    'edge',
    403,
    '403',
    'Access denied due to Virtual Network/Firewall rules.',
    'gateway-spaced',
  )
}

/** 403: the resource is blocked for abuse (public reports). */
export function resourceBlocked(): ServiceError {
  return gatewayError(
    'edge',
    403,
    'Forbidden',
    'Your resource has been temporarily blocked because we detected behavior that may violate our content policy. For more details on Azure OpenAI service content policy, please visit https://aka.ms/aoaicodeofconduct',
  )
}

/** 408 or 504: the service took too long. The message is captured, the envelope around it is not. */
export function timedOut(status: 408 | 504): ServiceError {
  return gatewayError('resource', status, 'Timeout', 'The operation was timeout.')
}

/** 500 of the gateway in front of the model; from general knowledge, not captured. */
export function gatewayFailure(): ServiceError {
  return gatewayError('resource', 500, 'InternalServerError', 'Internal server error')
}

/** 400: a picture that cannot be read (public reports). */
export function invalidImage(): ServiceError {
  return gatewayError('model', 400, 'BadRequest', 'Invalid image data.', 'sorted')
}

/** 400: the prompt repeats itself too often (public reports). */
export function repetitiveText(): ServiceError {
  const message =
    "Sorry! We've encountered an issue with repetitive patterns in your prompt. Please try again with a different prompt."
  return { ...modelError(message, 'prompt', 'invalid_prompt'), envelope: 'compact' }
}
