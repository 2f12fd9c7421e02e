/** A failure that the service reports in an open stream of the Responses API, with status 200. */
export interface StreamFailure {
  /** The class of the failure: `too_many_requests` (429), `server_error` (500), `forbidden` (403), `user_error` (400) and others. */
  readonly type: string
  readonly code: string | null
  readonly message: string
  readonly param?: string | null
  /** The only member of `headers` in the event: a header of the answer between two components of the service. */
  readonly header: 'x-ms-fe-error' | 'skip-error-remapping'
}

/**
 * Order of the two events of a failure. Both are captured: `error-first` in August to October 2026, `failed-first` in August 2026.
 * With `failed-first`, the response in `response.failed` has no error.
 */
export type FailureOrder = 'error-first' | 'failed-first'

/** Returns the short name of a region, such as `swedencentral` for `Sweden Central`. */
export function regionSlug(region: string): string {
  return region.toLowerCase().replace(/[^a-z0-9]/g, '')
}

/** The limit that a streamed request exceeds. */
export interface StreamLimitHit {
  readonly deployment: string
  readonly model: string
  /** Display name, such as `East US 2`. */
  readonly region: string
  /** The exceeded limit: tokens, requests ("calls"), or the throughput of a provisioned deployment. */
  readonly kind: 'token' | 'call' | 'throughput'
}

/**
 * The limit of a deployment is exceeded. Token limits are captured (September and October 2026), and so is the text without a kind
 * (August 2026), which is used for requests. The text for provisioned deployments is captured (2026).
 */
export function limitFailure({ deployment, model, region, kind }: StreamLimitHit): StreamFailure {
  const type = 'too_many_requests'
  if (kind === 'throughput') {
    const message =
      'Requests have exceeded the throughput limit on your Provisioned-Managed deployment. If you continue to exceed your limit, consider increasing the number of provisioned throughput units deployed.'
    return { type, code: 'rate_limit_reached', message, header: 'skip-error-remapping' }
  }
  const limit = kind === 'token' ? 'token rate limit' : 'rate limit'
  const message = `Your requests to ${deployment} for ${model} in ${regionSlug(region)} have exceeded ${limit}.`
  return { type, code: 'rate_limit_exceeded', message, header: 'x-ms-fe-error' }
}

/** The service lacks capacity (Microsoft Learn, "Use the Azure OpenAI Responses API", errors in a stream). */
export function capacityFailure(): StreamFailure {
  const message =
    'The system is currently experiencing high demand and cannot process your request. Your request exceeds the maximum usage size allowed during peak load. For improved capacity reliability, consider switching to Provisioned Throughput.'
  return { type: 'too_many_requests', code: 'no_capacity', message, header: 'skip-error-remapping' }
}

/** The deployment does not exist (public test with the event of a service, 2026). */
export function missingDeploymentFailure(message: string): StreamFailure {
  return { type: 'invalid_request_error', code: null, message, header: 'x-ms-fe-error' }
}

/** The fields of an error that a stream reports. */
interface ReportedError {
  readonly status?: number
  readonly code: string | null
  readonly type: string | null
  readonly message: string
  readonly param: string | null
  readonly inStream?: StreamFailure
}

/** Returns the failure in a stream for an error. Internal errors have `server_error` as type and code (public log, October 2026). */
export function streamFailureOf(error: ReportedError): StreamFailure {
  if (error.inStream) return error.inStream
  const { status = 500, code, message, param } = error
  const type = error.type ?? failureType(status)
  return {
    type,
    code: code ?? (type === 'server_error' ? type : null),
    message,
    param,
    header: 'skip-error-remapping',
  }
}

/** The type of errors without one, by status (Microsoft Learn, as `capacityFailure`). */
function failureType(status: number): string {
  if (status === 429) return 'too_many_requests'
  if (status === 401 || status === 403) return 'forbidden'
  return status >= 500 ? 'server_error' : 'user_error'
}

/** Writes the `error` event of a stream of the Responses API, on one line. */
export function errorEventJson(failure: StreamFailure, sequence: number): string {
  const { type, code, header, message, param = null } = failure
  const error = { type, code, headers: { [header]: 'true' }, message, param }
  return JSON.stringify({ type: 'error', error, sequence_number: sequence })
}
