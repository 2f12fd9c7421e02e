/** The state of one limit of a deployment after a request has been admitted or refused. */
export interface LimitState {
  /** What the deployment takes in one renewal period: requests or tokens. */
  readonly limit: number
  readonly remaining: number
  /** Seconds that the limit is counted over. */
  readonly renewalSeconds: number
  /** Milliseconds until the whole limit is free again, as the service reckons it. */
  readonly resetMs: number
}

/** What the headers of one era of the service tell of limits. */
export interface RateLimitStyle {
  /** Whether `limit` headers stand beside the `remaining` ones. */
  readonly tellsLimit: boolean
  /** Whether `x-ratelimit-key` names the deployment, and `abusepenalty-active` stands before it. */
  readonly tellsKey: boolean
  /** The unit of the `reset` headers, which come with `renewalperiod`; `none` where neither is sent. */
  readonly resetUnit: 'none' | 'milliseconds' | 'seconds'
}

/** The state of a deployment's limits. */
export interface RateLimits {
  readonly requests: LimitState
  /** Absent where only requests are limited. */
  readonly tokens: LimitState | undefined
  readonly style: RateLimitStyle
}

/** What the headers of an answer tell about it. */
export interface HeaderFacts {
  /** Absent for the service's one answer without a content type, the 404 of an unknown deployment. */
  readonly contentType: string | undefined
  /** Sent in chunks rather than with a Content-Length. */
  readonly chunked: boolean
  /** The HTTP date. */
  readonly date: string
  /** The gateway's name of the request, a GUID. */
  readonly apimRequestId: string
}

/** What the headers of an answer from a model tell beside that. */
export interface ModelHeaderFacts extends HeaderFacts {
  /** The model's name of the request, another GUID. */
  readonly requestId: string
  /** The caller's `x-ms-client-request-id`, which comes back. */
  readonly clientRequestId: string | undefined
  /** Empty where the request needed none. */
  readonly deployment: string
  /** Display name of the region, such as `East US 2`. */
  readonly region: string
  /** Which build of the model answers; the Responses API does not tell. */
  readonly modelSession: string | undefined
  /** Chat and completions say that they were filtered and must not be buffered; embeddings and responses do not. */
  readonly generatesText: boolean
  /** Absent for answers that tell nothing of limits. */
  readonly rateLimits: RateLimits | undefined
  /** Share of the provisioned throughput in use, which stands where others tell their limits; absent for others. */
  readonly utilization: number | undefined
  /** The provisioned deployment that passed the request on, for lack of room. */
  readonly spilledOverFrom: string | undefined
}

/** What the headers of an answer from the gateway tell. */
export interface GatewayHeaderFacts extends HeaderFacts {
  /** Present once the deployment has been looked up. */
  readonly region: string | undefined
  /** The 401 comes from further out and carries no security headers. */
  readonly secured: boolean
}

/**
 * The headers of an answer from a model, names and values in turn, in the order and case of the service's newest era
 * (openllmetry's captures of March 2026, with the additions seen from June 2026 on).
 */
export function modelHeaders(facts: ModelHeaderFacts): string[] {
  const { deployment, clientRequestId, generatesText, rateLimits, utilization, spilledOverFrom } = facts
  const raw = startHeaders(facts)
  raw.push('Strict-Transport-Security', strictTransportSecurity, 'apim-request-id', facts.apimRequestId)
  if (utilization !== undefined) {
    raw.push('azure-openai-deployment-utilization', `${(utilization * 100).toFixed(1)}%`)
  }
  if (facts.modelSession !== undefined) raw.push('azureml-model-session', facts.modelSession)
  raw.push('skip-error-remapping', 'true')
  if (generatesText) raw.push('x-accel-buffering', 'no')
  raw.push('x-content-type-options', 'nosniff')
  if (clientRequestId !== undefined) raw.push('x-ms-client-request-id', clientRequestId)
  if (deployment !== '') raw.push('x-ms-deployment-name', deployment)
  raw.push('x-ms-is-spilled-over', String(spilledOverFrom !== undefined))
  if (generatesText) raw.push('x-ms-rai-invoked', 'true')
  raw.push('x-ms-region', facts.region)
  if (spilledOverFrom !== undefined) raw.push('x-ms-spillover-from-deployment', spilledOverFrom)
  if (rateLimits) pushRateLimits(raw, rateLimits, deployment)
  raw.push('x-request-id', facts.requestId)
  return raw
}

/** The headers of an answer from the gateway, before any model is asked; names and values in turn. */
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

/** Content-Length comes first on the wire and is not known yet: an empty value keeps its place. */
function startHeaders({ chunked, contentType, date }: HeaderFacts): string[] {
  const raw = chunked ? [] : ['Content-Length', '']
  if (contentType !== undefined) raw.push('Content-Type', contentType)
  raw.push('Date', date)
  if (chunked) raw.push('Transfer-Encoding', 'chunked')
  return raw
}

/** The live figures of a deployment's limits; names and values in turn. */
export function rateLimitHeaders(rateLimits: RateLimits, deployment: string): string[] {
  const raw: string[] = []
  pushRateLimits(raw, rateLimits, deployment)
  return raw
}

/** The live figures, in alphabetical order as all of the service's own headers. */
function pushRateLimits(raw: string[], { requests, tokens, style }: RateLimits, deployment: string): void {
  const { tellsLimit, tellsKey, resetUnit } = style
  if (resetUnit !== 'none') raw.push('x-ratelimit-abusepenalty-active', 'False')
  if (tellsKey) raw.push('x-ratelimit-key', deployment)
  if (tellsLimit) raw.push('x-ratelimit-limit-requests', String(requests.limit))
  if (tellsLimit && tokens) raw.push('x-ratelimit-limit-tokens', String(tokens.limit))
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
let lastText = ''

/** The value of a Date header. Made once a second, since formatting costs more than all other headers together. */
export function httpDate(epochMs: number): string {
  const second = Math.floor(epochMs / 1000)
  if (second !== lastSecond) {
    lastSecond = second
    lastText = new Date(epochMs).toUTCString()
  }
  return lastText
}

/** The wait of a `retry-after-ms` header, in milliseconds >= 0; undefined where it tells none that can be read. */
export function parseRetryAfterMs(text: string | undefined): number | undefined {
  return parseNumber(text)
}

/**
 * The wait of a `retry-after` header, in milliseconds >= 0; undefined where it tells none that can be read.
 *
 * @param text seconds, or a date (RFC 9110, 10.2.3)
 * @param epochMs when the answer was made, for a date
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
