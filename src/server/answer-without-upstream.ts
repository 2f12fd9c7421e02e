import { nameInRequest } from '../access/find-deployment.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import type { Reply } from '../pipeline/reply.ts'
import { refuse } from '../pipeline/reply-headers.ts'
import { upstreamOf } from '../pipeline/upstream-of.ts'
import { catalogueReply, modelNotFound } from '../generate/generate-mode.ts'
import { deploymentNotFound, resourceNotFound, type ServiceError } from '../wire/errors.ts'
import { renderModel } from '../wire/models/write-model.ts'
import { isModelOperation } from '../wire/route.ts'

/**
 * Answers requests that are not forwarded in the modes record and forward: lists of models, which are those of the configured
 * deployments, and requests for which there is no upstream. Undefined for requests to forward.
 */
export function answerWithoutUpstream(exchange: Exchange): Reply | undefined {
  const listed = listDeployments(exchange)
  if (listed) return listed
  return upstreamOf(exchange) ? undefined : refuse(noUpstream(exchange))
}

/**
 * Without an upstream for each deployment, the list is that of the upstream. Record passes it on if it can, so that it is recorded.
 */
function listDeployments(exchange: Exchange): Reply | undefined {
  const { route, config, source } = exchange
  const operation = route?.operation
  if (operation !== 'listModels' && operation !== 'getModel') return undefined
  const { deployments, upstream } = config
  const isGateway = [...deployments.values()].some(({ to }) => to !== undefined)
  if (!isGateway || (source !== 'forward' && upstream)) return undefined
  if (operation === 'getModel') {
    const deployment = deployments.get(route?.id ?? '')
    return deployment
      ? catalogueReply(renderModel(deployment.model, deployment.name))
      : refuse(modelNotFound(route?.id ?? ''))
  }
  const models = Array.from(deployments.values(), ({ model, name }) => renderModel(model, name))
  return catalogueReply(`{"data":[${models.join(',')}],"object":"list"}`)
}

function noUpstream(exchange: Exchange): ServiceError {
  const { route } = exchange
  if (!route || !isModelOperation(route.operation)) return resourceNotFound()
  const name = nameInRequest(exchange, route)
  return typeof name === 'string' ? deploymentNotFound(route.operation) : name
}
