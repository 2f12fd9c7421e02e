import { textBody } from '../answer/body.ts'
import type { ServiceError, ServiceLayer } from '../wire/errors.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { HeaderList } from '../pipeline/reply.ts'
import { completeReply, isInFront, layerOf, type Refusal, refuse } from '../pipeline/reply-headers.ts'

/** Layers of the service in `WrittenError`. */
export type ErrorHeaders = 'edge-401' | 'edge-404' | 'deployment-404' | 'limit' | 'model' | 'filter'

/** An error with a body from an extension. */
export interface WrittenError {
  readonly status: number
  /** Status phrase, if it is not the standard one. */
  readonly reason?: string
  /** Exact text of the body, sent as UTF-8. */
  readonly body: string
  /** Absent: the answer has no Content-Type. */
  readonly contentType?: string
  /** Layer of the service with the headers of the answer. */
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
 * Creates the answer of the service to an error, with the headers of its layer.
 *
 * @param extraHeaders headers after the others, such as `retry-after`
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
    // The service sends chunked answers for an unknown deployment.
    service: { layer, contentType, chunked: contentType === undefined && isInFront(layer) },
  })
}
