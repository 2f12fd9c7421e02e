import type { Deployment } from '../config/deployments.ts'
import {
  deploymentNotFound,
  malformedJson,
  messagesModelRequired,
  modelRequired,
  operationNotSupported,
  type ServiceError,
  apiNotSupported,
  apiVersionNotSupported,
  inferenceModelRequired,
  inferenceModelUnknown,
  resourceNotFound,
} from '../wire/errors.ts'
import { malformedMessages } from '../wire/messages/messages-errors.ts'
import { modelOfDeployment } from '../wire/models/assume-model.ts'
import { findModel, isRetired, type ModelCatalogue } from '../wire/models/model-catalogue.ts'
import type { Model } from '../wire/models/models.ts'
import {
  isAnthropicOperation,
  isDeploymentName,
  isModelOperation,
  operations,
  supportedBy,
  type ModelOperation,
  type Route,
} from '../wire/route.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { refuse } from '../pipeline/reply-headers.ts'
import { checksRequests, isSimulated } from '../pipeline/source-rules.ts'
import type { ReplyOrPromise, Stage } from '../pipeline/stage.ts'
import { apiVersionFault } from '../wire/api-versions.ts'
import { newerVersionRequired } from '../wire/feature-gates.ts'

/** Called for each request to a deployment that is not configured. */
export type OnUndefinedDeployment = (name: string, deployment: Deployment, exchange: Exchange) => void

/**
 * Creates the stage that finds the deployment by the path or by `model` in the body (JSON or form), and rejects operations that its
 * model does not support. Replayed and forwarded requests are not rejected, since a recording or the real service can answer them.
 * They have a deployment only if one with that name is configured.
 */
export function createFindDeployment(onUndefined?: OnUndefinedDeployment): Stage {
  return function findDeployment(exchange, next) {
    const { route } = exchange
    if (!isSimulated(exchange)) {
      const refused = refuseUndefined(exchange)
      return refused ? refuse(refused) : setConfiguredDeployment(exchange, next)
    }
    if (!route || !isModelOperation(route.operation)) return next()
    const found = resolveDeployment(exchange, route, route.operation, onUndefined)
    if ('status' in found) {
      if (!checksRequests(exchange)) return setConfiguredDeployment(exchange, next)
      return refuse(found)
    }
    exchange.deployment = found
    return next()
  }
}

/**
 * Returns the error of a forwarded request to a deployment that is not in the table of a gateway, if only those of the table are
 * allowed. Without a deployment that names an upstream, the real service knows its deployments.
 */
function refuseUndefined(exchange: Exchange): ServiceError | undefined {
  const { route, config, configured } = exchange
  if (configured || config.allowUndefinedDeployments) return undefined
  if (!route || !isModelOperation(route.operation)) return undefined
  if (![...config.deployments.values()].some(({ to }) => to !== undefined)) return undefined
  const name = nameInRequest(exchange, route)
  if (typeof name !== 'string') return name
  return route.isInference ? inferenceModelUnknown(name) : deploymentNotFound(route.operation)
}

/** Sets the deployment of the exchange if it is configured. */
function setConfiguredDeployment(exchange: Exchange, next: () => ReplyOrPromise): ReplyOrPromise {
  exchange.deployment = exchange.configured
  return next()
}

function resolveDeployment(
  exchange: Exchange,
  route: Route,
  operation: ModelOperation,
  onUndefined?: OnUndefinedDeployment,
): Deployment | ServiceError {
  const { config } = exchange
  const name = route.deploymentName ?? nameInRequest(exchange, route)
  if (typeof name !== 'string') return name
  const notFound = (): ServiceError =>
    route.isInference ? inferenceModelUnknown(name) : deploymentNotFound(operation)

  let deployment = config.deployments.get(name)
  if (!deployment) {
    if (!config.allowUndefinedDeployments) return notFound()
    deployment = undefinedDeployment(name, operation, config.models)
    if (!deployment) return notFound()
    if (checksRequests(exchange)) onUndefined?.(name, deployment, exchange)
  }

  if (config.retiredModels === 'refuse' && hasRetiredModel(name, exchange)) return resourceNotFound()
  if (!deployment.model.operations.includes(supportedBy(operation))) {
    if (isAnthropicOperation(operation) || deployment.model.provider === 'anthropic') return apiNotSupported()
    const { errorName } = operations[operation]
    return operationNotSupported(errorName, deployment.model.errorName)
  }
  return deployment
}

/**
 * Returns whether the deployment has a retired model, by its configuration or its name. The default model of other names does not count.
 * The only public report of a request to a retired model has the 404 of an unknown path (BerriAI/litellm#11116, 2025-05); its headers
 * are not captured.
 */
function hasRetiredModel(name: string, { config, clock }: Exchange): boolean {
  const model = config.deployments.get(name)?.model ?? modelOfDeployment(name, config.models)
  return model !== undefined && isRetired(model, clock.epochMs())
}

/** Returns the name of the deployment of a request, or the error of a request without one. */
export function nameInRequest(exchange: Exchange, { isInference, operation }: Route): string | ServiceError {
  const { deploymentName } = exchange
  if (deploymentName) return deploymentName
  const hasBody = exchange.isForm || (typeof exchange.json === 'object' && exchange.json !== null)
  if (isAnthropicOperation(operation)) return hasBody ? messagesModelRequired() : malformedMessages()
  if (!hasBody) return malformedJson()
  return isInference ? inferenceModelRequired() : modelRequired()
}

/** Models of deployments that are not configured and have no model in their name. */
const defaultModels: Readonly<Record<ModelOperation, string>> = {
  chatCompletions: 'gpt-4o-mini',
  completions: 'gpt-35-turbo-instruct',
  embeddings: 'text-embedding-3-small',
  responses: 'gpt-4o-mini',
  countInputTokens: 'gpt-4o-mini',
  compactConversation: 'gpt-4o-mini',
  imageGenerations: 'gpt-image-1',
  imageEdits: 'gpt-image-1',
  speech: 'gpt-4o-mini-tts',
  transcriptions: 'whisper',
  translations: 'whisper',
  messages: 'claude-sonnet-5-5',
  countMessageTokens: 'claude-sonnet-5-5',
}

/** Clients choose names, so the cache is limited. */
const MAX_CACHED_DEPLOYMENTS = 1_000

type DeploymentsByName = Map<string, Deployment>
const cache = new WeakMap<ModelCatalogue, Map<ModelOperation, DeploymentsByName>>()

/**
 * A deployment without limits, with the model that its name indicates or a default model for the operation. Undefined if the name is not valid
 * for a deployment.
 */
function undefinedDeployment(
  name: string,
  operation: ModelOperation,
  catalogue: ModelCatalogue,
): Deployment | undefined {
  const known = cacheFor(catalogue, operation)
  const before = known.get(name)
  if (before) return before
  if (!isDeploymentName(name)) return undefined
  const named = modelOfDeployment(name, catalogue)
  const model = named?.operations.includes(supportedBy(operation))
    ? named
    : defaultModel(operation, named, catalogue)
  const deployment: Deployment = { name, model }
  if (known.size < MAX_CACHED_DEPLOYMENTS) known.set(name, deployment)
  return deployment
}

function cacheFor(catalogue: ModelCatalogue, operation: ModelOperation): DeploymentsByName {
  let byOperation = cache.get(catalogue)
  if (!byOperation) cache.set(catalogue, (byOperation = new Map()))
  let known = byOperation.get(operation)
  if (!known) byOperation.set(operation, (known = new Map<string, Deployment>()))
  return known
}

/** A model in the name is used even if it does not support the operation, so that the client gets an error. */
function defaultModel(operation: ModelOperation, named: Model | undefined, catalogue: ModelCatalogue): Model {
  const model = named ?? findModel(defaultModels[operation], catalogue)
  if (!model) throw new Error(`The catalogue lacks the default model of ${operation}.`)
  return model
}

/**
 * Rejects an unknown API version, and a version without the operation. A path that requires `api-version` gets 404 without it, like
 * in the service.
 */
export function checkApiVersion(exchange: Exchange, next: () => ReplyOrPromise): ReplyOrPromise {
  const { route } = exchange
  return (route && refuseApiVersion(exchange, route)) ?? next()
}

/** Returns the refusal of an API version at a route; undefined if the version is valid there. */
export function refuseApiVersion({ apiVersion }: Exchange, route: Route): ReplyOrPromise | undefined {
  switch (apiVersionFault(apiVersion, route)) {
    case 'not-found':
      return refuse(resourceNotFound())
    case 'not-supported':
      return refuse(apiVersionNotSupported())
    default:
      return undefined
  }
}

/** Rejects an API version that is older than the operation, the deployment's model or a feature of the body requires. */
export function checkModelVersion(exchange: Exchange, next: () => ReplyOrPromise): ReplyOrPromise {
  const { route, deployment, apiVersion } = exchange
  if (!(route?.dated || route?.isInference) || apiVersion === undefined) return next()
  // On the model inference API, models of other providers have every feature in every version (capture of August 2026).
  if (deployment?.model.provider !== undefined) return next()
  const refusal = newerVersionRequired(apiVersion, exchange, route.operation, deployment?.model)
  return refusal ? refuse(refusal) : next()
}
