import { rateLimited, throttled } from '../wire/errors.ts'
import { operations } from '../wire/route.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { completeReply, refuse } from '../pipeline/reply-headers.ts'
import type { Reply } from '../pipeline/reply.ts'

/**
 * The 429 for a request over a limit of its deployment or of an extension. Without a deployment, it is the 429 of the gateway. The
 * reply is complete, so that hooks and limiters of extensions can read and change it.
 *
 * @param kind tokens, or requests ("calls")
 */
export function limitRefusal(exchange: Exchange, kind: 'token' | 'call', retryAfterMs: number): Reply {
  const { deployment, route, rateLimits } = exchange
  const retryAfterSeconds = Math.ceil(retryAfterMs / 1_000)
  const error =
    deployment && route
      ? rateLimited({
          deployment: deployment.name,
          model: deployment.model.name,
          region: exchange.config.region,
          operationId: operations[route.operation].id,
          apiVersion: exchange.apiVersion,
          kind,
          retryAfterSeconds,
        })
      : throttled(retryAfterSeconds)
  const reply = refuse(error, {
    'retry-after': String(retryAfterSeconds),
    'retry-after-ms': String(retryAfterMs),
    ...(rateLimits && { 'x-ratelimit-type': kind === 'token' ? 'Tokens' : 'Requests' }),
  })
  reply.limitedBy = kind === 'token' ? 'tokens' : 'requests'
  return completeReply(exchange, reply)
}
