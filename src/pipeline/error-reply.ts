import { serverError, type ErrorHeaders, type ServiceError } from '../wire/errors.ts'
import { guid } from '../wire/ids.ts'
import { gatewayHeaders } from '../wire/service-headers.ts'
import type { Exchange } from './exchange.ts'
import { HeaderList } from './header-list.ts'
import { httpDate } from '../lib/http-date.ts'
import { textBody, type WholeBody } from '../answer/body.ts'
import { type Reply } from './reply.ts'
import { deploymentHeaders } from './reply-headers.ts'

/** A reply with a body that is sent in one piece. */
type WholeReply = Reply & { readonly body: WholeBody }

/**
 * Makes the service's answer of an error, with the headers that the service gives at that stage.
 *
 * @param extraHeaders go last, such as `retry-after`
 */
export function errorReply(
  exchange: Exchange,
  error: ServiceError,
  extraHeaders: Readonly<Record<string, string>> = {},
): WholeReply {
  const { status, reason, body } = error
  const headers = errorHeaders(exchange, error)
  for (const [name, value] of Object.entries(extraHeaders)) headers.set(name, value)
  return { status, ...(reason !== undefined && { reason }), headers, body: textBody(body) }
}

/** Makes the service's answer of a failure inside the simulator. What went wrong is for the log. */
export function failureReply(exchange: Exchange): WholeReply {
  const requestId = guid(exchange.random)
  return errorReply(exchange, serverError(requestId), { 'x-request-id': requestId })
}

const fromDeployment: ReadonlySet<ErrorHeaders> = new Set<ErrorHeaders>(['limit', 'model', 'filter'])

function errorHeaders(exchange: Exchange, error: ServiceError): HeaderList {
  const { contentType, headers: family } = error
  // A request that fails before its deployment is known cannot carry the deployment's headers.
  if (fromDeployment.has(family) && exchange.deployment) {
    return deploymentHeaders(exchange, contentType, { withLimits: family !== 'filter' })
  }
  const raw = gatewayHeaders({
    contentType,
    chunked: contentType === undefined,
    date: httpDate(exchange.clock.epochMs()),
    apimRequestId: guid(exchange.random),
    secured: family !== 'edge-401',
    region: family === 'edge-401' || family === 'edge-404' ? undefined : exchange.config.region,
  })
  return new HeaderList(raw)
}
