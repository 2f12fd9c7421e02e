/** The state of a deployment's limits after a request has been admitted or refused. */
export interface RateLimits {
  /** Requests that the deployment takes in one renewal period. */
  readonly limitRequests: number
  readonly limitTokens: number
  readonly remainingRequests: number
  readonly remainingTokens: number
  /** Seconds that the requests limit is counted over. */
  readonly renewalSecondsRequests: number
  readonly renewalSecondsTokens: number
  /** Seconds until the whole limit is free again. */
  readonly resetSecondsRequests: number
  readonly resetSecondsTokens: number
}

/** What the headers of an answer tell about it. */
export interface HeaderFacts {
  /** Absent for the service's one answer without a content type, the 404 of an unknown deployment. */
  readonly contentType?: string
  /** Sent in chunks rather than with a Content-Length. */
  readonly chunked: boolean
  /** The HTTP date. */
  readonly date: string
  /** Two GUIDs: the gateway's name of the request, and the model's. */
  readonly apimRequestId: string
  readonly requestId: string
  /** The caller's `x-ms-client-request-id`, which comes back. */
  readonly clientRequestId?: string | undefined
  readonly deployment: string
  /** Display name of the region, such as `East US 2`. */
  readonly region: string
  /** Which build of the model answers. */
  readonly modelSession: string
  /** Chat and completions pass the content filter and are not buffered by proxies; embeddings are neither. */
  readonly generatesText: boolean
  readonly rateLimits?: RateLimits | undefined
}

type Block = Record<string, string>

/**
 * The headers of an answer from a model, in the order and case of the service's newest era
 * (openllmetry's captures of March 2026, with the additions seen from June 2026 on).
 */
export function modelHeaders(facts: HeaderFacts): Block {
  const headers = startBlock(facts.contentType, facts.chunked, facts.date)
  headers['Strict-Transport-Security'] = strictTransportSecurity
  headers['apim-request-id'] = facts.apimRequestId
  headers['azureml-model-session'] = facts.modelSession
  headers['skip-error-remapping'] = 'true'
  if (facts.generatesText) headers['x-accel-buffering'] = 'no'
  headers['x-content-type-options'] = 'nosniff'
  if (facts.clientRequestId !== undefined) headers['x-ms-client-request-id'] = facts.clientRequestId
  headers['x-ms-deployment-name'] = facts.deployment
  headers['x-ms-is-spilled-over'] = 'false'
  if (facts.generatesText) headers['x-ms-rai-invoked'] = 'true'
  headers['x-ms-region'] = facts.region
  headers['x-ratelimit-abusepenalty-active'] = 'False'
  headers['x-ratelimit-key'] = facts.deployment
  if (facts.rateLimits) addRateLimits(headers, facts.rateLimits)
  headers['x-request-id'] = facts.requestId
  return headers
}

/** The headers of an answer from the gateway, before any model is asked. */
export function gatewayHeaders(
  facts: Pick<HeaderFacts, 'contentType' | 'chunked' | 'date' | 'apimRequestId'> & {
    /** Present once the deployment has been looked up. */
    readonly region?: string
    /** The 401 comes from further out and carries no security headers. */
    readonly secured: boolean
  },
): Block {
  const headers = startBlock(facts.contentType, facts.chunked, facts.date)
  if (facts.secured) headers['Strict-Transport-Security'] = strictTransportSecurity
  headers['apim-request-id'] = facts.apimRequestId
  if (facts.secured) headers['x-content-type-options'] = 'nosniff'
  if (facts.region !== undefined) headers['x-ms-region'] = facts.region
  return headers
}

const strictTransportSecurity = 'max-age=31536000; includeSubDomains; preload'

/** Content-Length comes first on the wire and is not known yet: an empty value keeps its place. */
function startBlock(contentType: string | undefined, chunked: boolean, date: string): Block {
  const headers: Block = chunked ? {} : { 'Content-Length': '' }
  if (contentType !== undefined) headers['Content-Type'] = contentType
  headers['Date'] = date
  if (chunked) headers['Transfer-Encoding'] = 'chunked'
  return headers
}

/** Adds the limit's live figures, after `x-ratelimit-key` and in alphabetical order. */
export function addRateLimits(headers: Block, limits: RateLimits): void {
  headers['x-ratelimit-limit-requests'] = String(limits.limitRequests)
  headers['x-ratelimit-limit-tokens'] = String(limits.limitTokens)
  headers['x-ratelimit-remaining-requests'] = String(limits.remainingRequests)
  headers['x-ratelimit-remaining-tokens'] = String(limits.remainingTokens)
  headers['x-ratelimit-renewalperiod-requests'] = String(limits.renewalSecondsRequests)
  headers['x-ratelimit-renewalperiod-tokens'] = String(limits.renewalSecondsTokens)
  headers['x-ratelimit-reset-requests'] = String(limits.resetSecondsRequests)
  headers['x-ratelimit-reset-tokens'] = String(limits.resetSecondsTokens)
}
