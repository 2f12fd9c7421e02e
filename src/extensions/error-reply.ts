import { textBody } from '../answer/body.ts'
import type { ServiceError, ServiceLayer } from '../wire/errors.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { HeaderList } from '../pipeline/reply.ts'
import { completeReply, isInFront, layerOf, type Refusal, refuse } from '../pipeline/reply-headers.ts'

/** The layers of the service, as `WrittenError` names them. */
export type ErrorHeaders = 'edge-401' | 'edge-404' | 'deployment-404' | 'limit' | 'model' | 'filter'

/** An error whose body an extension has written itself. */
export interface WrittenError {
  readonly status: number
  /** The status phrase, where it is not the standard one. */
  readonly reason?: string
  /** The exact text of the body, to be sent as UTF-8. */
  readonly body: string
  /** Absent: the answer has no Content-Type. */
  readonly contentType?: string
  /** Whose headers the answer has. */
  readonly headers: ErrorHeaders
}

const layers: Readonly<Record<ErrorHeaders, ServiceLayer>> = {
  'edge-401': 'authentication',
  'edge-404': 'edge',
  'deployment-404': 'resource',
  limit: 'limit',
  model: 'model',
  filter: 'filter',
}

/**
 * Makes the service's answer of an error, complete with the headers that the service gives at that layer.
 *
 * @param extraHeaders go last, such as `retry-after`
 */
export function errorReply(
  exchange: Exchange,
  error: ServiceError | WrittenError,
  extraHeaders: Readonly<Record<string, string>> = {},
): Refusal {
  if (!('body' in error)) return completeReply(exchange, refuse(error, extraHeaders))
  const { status, reason, body, contentType, headers } = error
  const layer = layerOf(layers[headers], exchange)
  return completeReply(exchange, {
    status,
    ...(reason !== undefined && { reason }),
    headers: new HeaderList(Object.entries(extraHeaders).flat()),
    body: textBody(body),
    // As the service does where a deployment is unknown.
    service: { layer, contentType, chunked: contentType === undefined && isInFront(layer) },
  })
}
