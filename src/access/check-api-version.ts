import { judgeApiVersion, tooOldForModel } from '../wire/api-versions.ts'
import { apiVersionNotSupported, gatewayError, resourceNotFound, type ServiceError } from '../wire/errors.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { refuse } from '../pipeline/service-reply.ts'
import type { Answer } from '../pipeline/stage.ts'

/**
 * Refuses a version that the service does not know, and one that lacks the operation. A dated path without
 * `api-version` is unknown to the service, however well the rest of it reads.
 */
export function checkApiVersion(exchange: Exchange, next: () => Answer): Answer {
  const { route } = exchange
  if (!route) return next()
  switch (judgeApiVersion(exchange.apiVersion, route.operation, route.dated)) {
    case 'not-found':
      return refuse(resourceNotFound())
    case 'not-supported':
      return refuse(apiVersionNotSupported())
    default:
      return next()
  }
}

/** Refuses a version that is older than what the deployment's model needs. */
export function checkModelVersion(exchange: Exchange, next: () => Answer): Answer {
  const { route, deployment, apiVersion } = exchange
  if (!route?.dated || !deployment || apiVersion === undefined) return next()
  const first = tooOldForModel(apiVersion, deployment.model)
  if (first === undefined) return next()
  return refuse(modelNeedsNewerVersion(first))
}

/** 400: the service forgets to fill in the model's name. */
function modelNeedsNewerVersion(first: string): ServiceError {
  const message = `Model {modelName} is enabled only for api versions ${first} and later`
  return gatewayError('resource', 400, 'BadRequest', message)
}
