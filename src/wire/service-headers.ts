import type { HeaderForm } from './wire-profile.ts'

/** The state of one limit of a deployment after a request has been admitted or refused. */
export interface LimitState {
  /** Requests or tokens per renewal period. */
  readonly limit: number
  readonly remaining: number
  /** Length of the renewal period in seconds. */
  readonly renewalSeconds: number
  /** Milliseconds until the whole limit is available again, as the service calculates it. */
  readonly resetMs: number
}

/** The rate-limit headers of one era of the service. */
export interface RateLimitStyle {
  /** Whether `limit` headers are sent in addition to `remaining` headers. */
  readonly sendsLimit: boolean
  /** Whether `x-ratelimit-key` is sent, with the name of the deployment. */
  readonly sendsKey: boolean
  /** The unit of the `reset` headers. With `none`, neither `reset`, `renewalperiod` nor `abusepenalty-active` is sent. */
  readonly resetUnit: 'none' | 'milliseconds' | 'seconds'
}

/** The state of a deployment's limits. */
export interface RateLimits {
  readonly requests: LimitState
  /** Undefined if only requests are limited. */
  readonly tokens: LimitState | undefined
  readonly style: RateLimitStyle
}

/** The values of the headers of all answers. */
export interface HeaderFacts {
  /** Undefined for the 404 of an unknown deployment, the only answer without a content type. */
  readonly contentType: string | undefined
  /** Whether the body is chunked and has no Content-Length. */
  readonly chunked: boolean
  /** HTTP date. */
  readonly date: string
  /** The gateway's id of the request, a GUID. */
  readonly apimRequestId: string
}

/** The values of the headers of an answer from a model. */
export interface ModelHeaderFacts extends HeaderFacts {
  /** The model's id of the request, another GUID. */
  readonly requestId: string
  /** `x-ms-client-request-id` of the request. The answer repeats it. */
  readonly clientRequestId: string | undefined
  /** Empty for operations without a deployment. */
  readonly deployment: string
  /** Whether the answer is that of the Responses API, which names the deployment only after a spillover. */
  readonly isResponses: boolean
  /** Undefined for operations without a deployment. */
  readonly form: HeaderForm | undefined
  /** Whether the request asks for a stream. */
  readonly isStreamed: boolean
  /** Name and version of the model that answers. Undefined for an error. */
  readonly servedModel: string | undefined
  /** Display name of the region, such as `East US 2`. */
  readonly region: string
  /** Build of the model. Undefined for the Responses API, which does not send it. */
  readonly modelSession: string | undefined
  /** True for chat and completions, which send `x-accel-buffering` and `x-ms-rai-invoked`. False for embeddings and responses. */
  readonly generatesText: boolean
  /** Undefined for answers without rate-limit headers. */
  readonly rateLimits: RateLimits | undefined
  readonly isProvisioned: boolean
  /** Used fraction of the provisioned throughput. Undefined for other deployments, which send rate limits instead. */
  readonly utilization: number | undefined
  /** The provisioned deployment that had no capacity and passed on the request. */
  readonly spilledOverFrom: string | undefined
}

/** The values of the headers of an answer of Anthropic's API. */
export interface MessagesHeaderFacts extends HeaderFacts {
  /** `req_` and 24 characters. */
  readonly requestId: string
  readonly clientRequestId: string | undefined
  /** Undefined for errors before the resource is known. */
  readonly region: string | undefined
}

/**
 * Returns the headers of an answer from `/anthropic/...`. Documented are both ids, and that rate limits have no headers (Anthropic, "Claude
 * in Microsoft Foundry"); the others are assumed to be those of the resource.
 */
export function messagesHeaders(facts: MessagesHeaderFacts): string[] {
  const { apimRequestId, requestId, clientRequestId, region } = facts
  const raw = startHeaders(facts)
  raw.push('Strict-Transport-Security', strictTransportSecurity, 'apim-request-id', apimRequestId)
  raw.push('request-id', requestId, 'x-content-type-options', 'nosniff')
  if (clientRequestId !== undefined) raw.push('x-ms-client-request-id', clientRequestId)
  if (region !== undefined) raw.push('x-ms-region', region)
  return raw
}

/** The values of the headers of an answer from the gateway. */
export interface GatewayHeaderFacts extends HeaderFacts {
  /** Undefined for errors before the deployment is known. */
  readonly region: string | undefined
  /** Whether security headers are sent. False for a 401. */
  readonly secured: boolean
}

/**
 * Returns the headers of an answer from a model, as alternating names and values. Order and case are those of captures of
 * March 2026 (openllmetry), with the additions since June 2026.
 */
export function modelHeaders(facts: ModelHeaderFacts): string[] {
  const { deployment, form, clientRequestId, generatesText, rateLimits, utilization, spilledOverFrom } = facts
  const { isResponses, servedModel } = facts
  const raw = startHeaders(facts)
  raw.push('Strict-Transport-Security', strictTransportSecurity, 'apim-request-id', facts.apimRequestId)
  if (utilization !== undefined) {
    raw.push('azure-openai-deployment-utilization', `${(utilization * 100).toFixed(1)}%`)
  }
  if (form?.hasFrontEnd) raw.push('azureai-fe-is-streaming', facts.isStreamed ? 'True' : 'False')
  // No capture of a provisioned deployment has the offer.
  if (form?.hasOffer && !facts.isProvisioned) raw.push('azureai-fe-offer-type', 'paygo')
  if (facts.modelSession !== undefined) raw.push('azureml-model-session', facts.modelSession)
  raw.push('skip-error-remapping', 'true')
  if (generatesText) raw.push('x-accel-buffering', 'no')
  raw.push('x-content-type-options', 'nosniff')
  if (form?.hasOffer && isResponses) raw.push('x-ms-aoai-configured-data-retention-days', '30')
  if (clientRequestId !== undefined) raw.push('x-ms-client-request-id', clientRequestId)
  if (deployment !== '' && (!isResponses || spilledOverFrom !== undefined))
    raw.push('x-ms-deployment-name', deployment)
  raw.push('x-ms-is-spilled-over', String(spilledOverFrom !== undefined))
  if (generatesText) raw.push('x-ms-rai-invoked', 'true')
  raw.push('x-ms-region', facts.region)
  if (form?.hasFrontEnd && servedModel !== undefined) raw.push('x-ms-served-model', servedModel)
  if (spilledOverFrom !== undefined) raw.push('x-ms-spillover-from-deployment', spilledOverFrom)
  if (rateLimits) pushRateLimits(raw, rateLimits, deployment)
  raw.push('x-request-id', facts.requestId)
  return raw
}

/** The values of the headers of an answer from the model inference API. */
export interface InferenceHeaderFacts extends HeaderFacts {
  readonly clientRequestId: string | undefined
  readonly region: string
  /** Whether the model is one of OpenAI. Models of others have their own headers. */
  readonly isOpenAi: boolean
  /** Whether the request asks for a stream. */
  readonly isStreamed: boolean
  /** Whether a limit refuses the request before it reaches the model. */
  readonly isRefused: boolean
  /** `traceparent` of the answer of a model that is not one of OpenAI: 32 and 16 hexadecimal digits. */
  readonly traceParent: string
}

/** Returns the headers of an answer from `/models/...`. Order and values are those of captures of August 2026. */
export function inferenceHeaders(facts: InferenceHeaderFacts): string[] {
  const { apimRequestId, clientRequestId, isOpenAi, isRefused } = facts
  const fe = [
    'azureai-fe-is-streaming',
    facts.isStreamed ? 'True' : 'False',
    'azureai-fe-offer-type',
    'paygo',
  ]
  const isProviders = !isOpenAi && !isRefused
  const raw = isProviders ? ['Cache-Control', 'no-cache'] : []
  raw.push(...startHeaders(facts))
  if (isOpenAi) raw.push(...fe)
  if (isProviders) {
    raw.push('access-control-allow-origin', '*', 'access-control-expose-headers', '*', 'vary', varyingHeaders)
  }
  raw.push('apim-request-id', apimRequestId)
  if (isOpenAi) raw.push('skip-error-remapping', 'true')
  if (isProviders) raw.push('traceparent', facts.traceParent)
  raw.push('Strict-Transport-Security', strictTransportSecurity, 'x-content-type-options', 'nosniff')
  if (clientRequestId !== undefined) raw.push('x-ms-client-request-id', clientRequestId)
  raw.push('x-ms-region', facts.region)
  if (!isOpenAi) raw.push('azureai-requested-tier', 'default', 'azureai-processed-tier', 'default', ...fe)
  return raw
}

const varyingHeaders = 'access-control-request-headers'

/** Returns the headers of an answer from the gateway, as alternating names and values. */
export function gatewayHeaders(facts: GatewayHeaderFacts): string[] {
  const { secured, region } = facts
  const raw = startHeaders(facts)
  if (secured) raw.push('Strict-Transport-Security', strictTransportSecurity)
  raw.push('apim-request-id', facts.apimRequestId)
  if (secured) raw.push('x-content-type-options', 'nosniff')
  if (region !== undefined) raw.push('x-ms-region', region)
  return raw
}

const strictTransportSecurity = 'max-age=31536000; includeSubDomains; preload'

/** Content-Length is the first header. Its value is not known yet, so the list has an empty one. */
function startHeaders({ chunked, contentType, date }: HeaderFacts): string[] {
  const raw = chunked ? [] : ['Content-Length', '']
  if (contentType !== undefined) raw.push('Content-Type', contentType)
  raw.push('Date', date)
  if (chunked) raw.push('Transfer-Encoding', 'chunked')
  return raw
}

/** Returns the rate-limit headers, as alternating names and values. */
export function rateLimitHeaders(rateLimits: RateLimits, deployment: string): string[] {
  const raw: string[] = []
  pushRateLimits(raw, rateLimits, deployment)
  return raw
}

/** In alphabetical order, like all headers of the service that are not standard. */
function pushRateLimits(raw: string[], { requests, tokens, style }: RateLimits, deployment: string): void {
  const { sendsLimit, sendsKey, resetUnit } = style
  if (resetUnit !== 'none') raw.push('x-ratelimit-abusepenalty-active', 'False')
  if (sendsKey) raw.push('x-ratelimit-key', deployment)
  if (sendsLimit) raw.push('x-ratelimit-limit-requests', String(requests.limit))
  if (sendsLimit && tokens) raw.push('x-ratelimit-limit-tokens', String(tokens.limit))
  raw.push('x-ratelimit-remaining-requests', String(requests.remaining))
  if (tokens) raw.push('x-ratelimit-remaining-tokens', String(tokens.remaining))
  if (resetUnit === 'none') return
  raw.push('x-ratelimit-renewalperiod-requests', String(requests.renewalSeconds))
  if (tokens) raw.push('x-ratelimit-renewalperiod-tokens', String(tokens.renewalSeconds))
  const unitMs = resetUnit === 'seconds' ? 1_000 : 1
  raw.push('x-ratelimit-reset-requests', String(Math.floor(requests.resetMs / unitMs)))
  if (tokens) raw.push('x-ratelimit-reset-tokens', String(Math.floor(tokens.resetMs / unitMs)))
}

let lastSecond = -1
let lastDate = ''

/** Returns the value of a Date header. Cached for each second, since formatting costs more than all other headers together. */
export function httpDate(epochMs: number): string {
  const second = Math.floor(epochMs / 1000)
  if (second !== lastSecond) {
    lastSecond = second
    lastDate = new Date(epochMs).toUTCString()
  }
  return lastDate
}

/** Parses a `retry-after-ms` header. Returns milliseconds >= 0, or undefined if it is missing or invalid. */
export function parseRetryAfterMs(text: string | undefined): number | undefined {
  return parseNumber(text)
}

/**
 * Parses a `retry-after` header. Returns milliseconds >= 0, or undefined if it is missing or invalid.
 *
 * @param text seconds, or a date (RFC 9110, 10.2.3)
 * @param epochMs time of the answer, to which a date is relative
 */
export function parseRetryAfter(text: string | undefined, epochMs: number): number | undefined {
  const seconds = parseNumber(text)
  if (seconds !== undefined) return seconds * 1_000
  const dateMs = text === undefined ? NaN : Date.parse(text)
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - epochMs)
}

function parseNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : undefined
}
