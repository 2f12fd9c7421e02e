import type { Deployment } from '../config/deployments.ts'
import {
  deploymentNotFound,
  malformedJson,
  modelRequired,
  operationNotSupported,
  type ServiceError,
} from '../openai/errors.ts'
import { findModel, modelFromDeploymentName } from '../openai/model-catalogue.ts'
import type { Model } from '../openai/models.ts'
import { operations, type Operation } from '../openai/operations.ts'
import { errorReply } from './error-reply.ts'
import type { Exchange } from './exchange.ts'
import type { Next } from './hook.ts'
import type { Reply } from './reply.ts'

/** Finds the deployment that the path or the body's `model` names, and refuses what its model cannot do. */
export async function findDeployment(exchange: Exchange, next: Next): Promise<Reply> {
  const { route, config } = exchange
  if (!route) return next()
  const name = route.deploymentName ?? nameInBody(exchange)
  if (typeof name !== 'string') return errorReply(exchange, name)

  const deployment =
    config.deployments.get(name) ??
    (config.allowUndefinedDeployments ? undefinedDeployment(name, route.operation) : undefined)
  if (!deployment) return errorReply(exchange, deploymentNotFound())

  if (!deployment.model.operations.includes(route.operation)) {
    const { word } = operations[route.operation]
    return errorReply(exchange, operationNotSupported(word, deployment.model.versionedName))
  }
  exchange.deployment = deployment
  return next()
}

function nameInBody(exchange: Exchange): string | ServiceError {
  const { json } = exchange
  if (typeof json !== 'object' || json === null) return malformedJson()
  const { model } = json as { model?: unknown }
  return typeof model === 'string' && model !== '' ? model : modelRequired()
}

/** What a deployment of unknown name answers with, where its name holds no model. */
const defaultModels: Readonly<Record<Operation, string>> = {
  chatCompletions: 'gpt-4o-mini',
  completions: 'gpt-35-turbo-instruct',
  embeddings: 'text-embedding-3-small',
}

/** Names come from clients, so what is kept of them is bounded. */
const maxRemembered = 1_000
const remembered = new Map<string, Deployment>()

/** A deployment without limits, with the model that its name holds, or else a common one for the operation. */
function undefinedDeployment(name: string, operation: Operation): Deployment {
  const key = `${operation}/${name}`
  const known = remembered.get(key)
  if (known) return known
  const named = modelFromDeploymentName(name)
  const model = named?.operations.includes(operation) ? named : defaultModel(operation, named)
  const deployment: Deployment = { name, model }
  if (remembered.size < maxRemembered) remembered.set(key, deployment)
  return deployment
}

/** A name that holds a model is taken at its word: a client that asks an embedding model to chat has a bug to find. */
function defaultModel(operation: Operation, named: Model | undefined): Model {
  const model = named ?? findModel(defaultModels[operation])
  if (!model) throw new Error(`The catalogue lacks the default model of ${operation}.`)
  return model
}
