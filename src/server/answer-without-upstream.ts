import { nameInRequest } from '../access/find-deployment.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import type { Reply } from '../pipeline/reply.ts'
import { refuse } from '../pipeline/reply-headers.ts'
import { upstreamOf } from '../pipeline/upstream-of.ts'
import { getDeployment, isGateway, listDeployments, modelNotFound } from '../generate/generate-mode.ts'
import { deploymentNotFound, resourceNotFound, type ServiceError } from '../wire/errors.ts'
import { isModelOperation } from '../wire/route.ts'

/**
 * Answers requests that are not forwarded in the modes record and forward: lists of models, which are those of the configured
 * deployments, and requests for which there is no upstream. Undefined for requests to forward.
 */
export function answerWithoutUpstream(exchange: Exchange): Reply | undefined {
  const listed = answerFromTable(exchange)
  if (listed) return listed
  return upstreamOf(exchange) ? undefined : refuse(noUpstream(exchange))
}

/**
 * Without an upstream for each deployment, the list is that of the upstream. Record passes it on if it can, so that it is recorded.
 */
function answerFromTable(exchange: Exchange): Reply | undefined {
  const { route, config, source } = exchange
  const operation = route?.operation
  if (operation !== 'listModels' && operation !== 'getModel') return undefined
  if (!isGateway(config) || (source !== 'forward' && config.upstream)) return undefined
  if (operation === 'listModels') return listDeployments(exchange)
  return getDeployment(exchange) ?? refuse(modelNotFound(route?.id ?? ''))
}

function noUpstream(exchange: Exchange): ServiceError {
  const { route } = exchange
  if (!route || !isModelOperation(route.operation)) return resourceNotFound()
  const name = nameInRequest(exchange, route)
  return typeof name === 'string' ? deploymentNotFound(route.operation) : name
}
