import { inferenceRateLimited, rateLimited, type ServiceError, throttled } from '../wire/errors.ts'
import { isAnthropicOperation, operations } from '../wire/route.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { completeReply, refuse } from '../pipeline/reply-headers.ts'
import type { Reply } from '../pipeline/reply.ts'
import { refuseInStream } from '../pipeline/stream-refusal.ts'

/**
 * The 429 for a request over a limit of its deployment or of an extension, or the stream of a Responses request that fails with it.
 * Without a deployment, it is the 429 of the gateway. The reply is complete, so that hooks and limiters of extensions can read and change it.
 *
 * @param kind tokens, or requests ("calls")
 */
export function limitRefusal(exchange: Exchange, kind: 'token' | 'call', retryAfterMs: number): Reply {
  const { rateLimits, route } = exchange
  const retryAfterSeconds = Math.ceil(retryAfterMs / 1_000)
  const error = refusalError(exchange, kind, retryAfterSeconds)
  const reply: Reply = refuse(error, {
    'retry-after': String(retryAfterSeconds),
    'retry-after-ms': String(retryAfterMs),
    ...(rateLimits &&
      !route?.isInference && { 'x-ratelimit-type': kind === 'token' ? 'Tokens' : 'Requests' }),
  })
  reply.limitedBy = kind === 'token' ? 'tokens' : 'requests'
  return completeReply(exchange, refuseInStream(exchange, reply))
}

function refusalError(exchange: Exchange, kind: 'token' | 'call', retryAfterSeconds: number): ServiceError {
  const { deployment, route } = exchange
  if (!deployment || !route) return throttled(retryAfterSeconds)
  const { region } = exchange.config
  if (route.isInference || isAnthropicOperation(route.operation))
    return inferenceRateLimited(deployment.name, deployment.model.errorName, region)
  return rateLimited({
    deployment: deployment.name,
    model: deployment.model.errorName,
    region,
    operationId: operations[route.operation].id,
    apiVersion: exchange.apiVersion,
    kind,
    provisioned: deployment.provisionedThroughputUnits !== undefined,
    retryAfterSeconds,
  })
}
