import { promptErrorResultsJson, type PromptCategory } from './content-filters.ts'

/**
 * Which response headers an error carries beside its content type, by the stage of the service that answered
 * (as captured in 2024 to 2026):
 *
 * - `edge-401`: date and `apim-request-id`, nothing else.
 * - `edge-404`: those, `strict-transport-security` and `x-content-type-options`; no region.
 * - `deployment-404`: those of `edge-404` and `x-ms-region`; chunked where there is no content type.
 * - `limit`: the rate-limit headers and `retry-after`.
 * - `model`: the rate-limit headers and those of the model layer; the limiter has counted the request.
 * - `filter`: those of the model layer with `x-ms-rai-invoked`; no rate-limit headers.
 */
export type ErrorHeaders = 'edge-401' | 'edge-404' | 'deployment-404' | 'limit' | 'model' | 'filter'

/** An error answer of the service, as data. */
export interface ServiceError {
  readonly status: number
  /** The status phrase, where it is not the standard one. */
  readonly reason?: string
  /** The exact text of the body, to be sent as UTF-8. */
  readonly body: string
  /** Absent: the answer has no Content-Type. */
  readonly contentType?: string
  readonly headers: ErrorHeaders
}

const json = 'application/json'

/** 401: no key, or one that is not the resource's. */
export function invalidKey(): ServiceError {
  return {
    status: 401,
    reason: 'PermissionDenied',
    body: '{"error":{"code":"401","message":"Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource."}}',
    contentType: json,
    headers: 'edge-401',
  }
}

/** 404: a path that the service does not have, or one that lacks its api-version. */
export function resourceNotFound(): ServiceError {
  return {
    status: 404,
    reason: 'Resource Not Found',
    body: '{"error":{"code":"404","message": "Resource not found"}}',
    contentType: json,
    headers: 'edge-404',
  }
}

/**
 * 404: the path names no deployment of the resource. The form of 2026, which has no Content-Type, so that the
 * official clients hand on its text instead of its fields.
 */
export function deploymentNotFound(): ServiceError {
  return {
    status: 404,
    body: '{\n  "error": {\n    "type": "invalid_request_error",\n    "code": "DeploymentNotFound",\n    "message": "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again."\n  }\n}',
    headers: 'deployment-404',
  }
}

/** 400: an api-version that the service does not know. */
export function apiVersionNotSupported(): ServiceError {
  return {
    status: 400,
    body: '{"error":{"code":"BadRequest","message":"API version not supported"}}',
    contentType: json,
    headers: 'edge-404',
  }
}

/** 400: a request without `model` where only the body can name the deployment (`/openai/v1/...`). */
export function modelRequired(): ServiceError {
  return { ...modelError('you must provide a model parameter', null, null), headers: 'deployment-404' }
}

/** 400: the deployment's model cannot do what the path asks for. `word` is the operation's: `chatCompletion`. */
export function operationNotSupported(word: string, model: string): ServiceError {
  const message = `The ${word} operation does not work with the specified model, ${model}. Please choose different model and try again. You can learn more about which models can be used with each operation here: https://go.microsoft.com/fwlink/?linkid=2197993.`
  return {
    status: 400,
    body: `{"error":{"code":"OperationNotSupported","message":${JSON.stringify(message)}}}`,
    contentType: json,
    headers: 'deployment-404',
  }
}

/** The wait that the service names, in seconds, for a request that is larger than the whole limit. */
export const neverFitsRetryAfterSeconds = 86_400

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
  return {
    status: 429,
    body: `{"error":{"code":"RateLimitReached","message": ${JSON.stringify(message)}}}`,
    contentType: json,
    headers: 'limit',
  }
}

/** 413: a body above the size limit; both numbers in bytes. The envelope is the one of the audio operations. */
export function bodyTooLarge(limitBytes: number, readBytes: number): ServiceError {
  return {
    status: 413,
    body: `{"error":{"message":"Maximum content size limit (${limitBytes}) exceeded (${readBytes} bytes read)","type":"server_error","param":null,"code":null}}`,
    contentType: json,
    headers: 'edge-404',
  }
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
  return {
    status: 500,
    body: `{"error":{"message":${JSON.stringify(message)},"type":"server_error","param":null,"code":null}}`,
    contentType: json,
    headers: 'model',
  }
}

/** 400 of the model layer: pretty-printed with two spaces and a line feed at the end, as the length of captures shows. */
export function modelError(message: string, param: string | null, code: string | null): ServiceError {
  const error = { message, type: 'invalid_request_error', param, code }
  return {
    status: 400,
    body: `${JSON.stringify({ error }, null, 2)}\n`,
    contentType: json,
    headers: 'model',
  }
}

/** 400: the content filter refuses the prompt. Compact, without a line feed, as captured in May 2026 (665 bytes). */
export function promptFiltered(category: PromptCategory): ServiceError {
  const message =
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry. To learn more about our content filtering policies please read our documentation: https://go.microsoft.com/fwlink/?linkid=2198766"
  return {
    status: 400,
    body: `{"error":{"message":"${message}","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":${promptErrorResultsJson(category)}}}}`,
    contentType: json,
    headers: 'filter',
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
