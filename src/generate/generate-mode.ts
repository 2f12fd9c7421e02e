import { isModelOperation, type ModelOperation, type ResourceOperation } from '../wire/route.ts'
import { type Addressed, type Exchange, isAddressed } from '../pipeline/exchange.ts'
import type { ReplyOrPromise, Source } from '../pipeline/stage.ts'
import { type Reply, HeaderList } from '../pipeline/reply.ts'
import { generateSpeech } from './audio/generate-speech.ts'
import { generateTranscription, generateTranslation } from './audio/generate-transcript.ts'
import { generateChat } from './chat.ts'
import { generateCompletion } from './completions.ts'
import { generateEmbeddings } from './embeddings.ts'
import { generateImageEdits, generateImages } from './images/generate-images.ts'
import { countMessageTokens, generateMessage } from './messages/create-message.ts'
import { getAnthropicModel, listAnthropicModels } from './messages/list-models.ts'
import { PromptCache } from './prompt-cache.ts'
import { createConversationCompactor } from './responses/compact-conversation.ts'
import { createInputTokenCounter, createResponseGenerator } from './responses/create-response.ts'
import { cancelResponse, deleteResponse, getResponse, listInputItems } from './responses/manage-responses.ts'
import type { ResponseArchive } from './responses/response-archive.ts'
import { gatewayError, type ServiceError } from '../wire/errors.ts'
import { findModel, modelId, type ModelCatalogue } from '../wire/models/model-catalogue.ts'
import type { Model } from '../wire/models/models.ts'
import { refuse } from '../pipeline/reply-headers.ts'
import { textBody } from '../answer/body.ts'
import { renderModel } from '../wire/models/write-model.ts'

/** Answers an operation on a deployment. */
type ModelGenerator = (exchange: Addressed, promptCache: PromptCache) => ReplyOrPromise

const modelGenerators: Readonly<
  Record<Exclude<ModelOperation, 'responses' | 'countInputTokens' | 'compactConversation'>, ModelGenerator>
> = {
  chatCompletions: generateChat,
  completions: generateCompletion,
  embeddings: generateEmbeddings,
  imageGenerations: generateImages,
  imageEdits: generateImageEdits,
  speech: generateSpeech,
  transcriptions: generateTranscription,
  translations: generateTranslation,
  messages: generateMessage,
  countMessageTokens,
}

/** Answers an operation that needs no deployment. */
type ResourceGenerator = (exchange: Exchange, store: ResponseArchive) => ReplyOrPromise

/** Operations on stored responses and on the model catalogue. */
const resourceGenerators: Readonly<Record<ResourceOperation, ResourceGenerator>> = {
  getResponse,
  deleteResponse,
  cancelResponse,
  listInputItems,
  listModels,
  getModel,
  listAnthropicModels,
  getAnthropicModel,
}

export interface GenerateMode {
  /** Answers every known operation with generated content of realistic size. */
  readonly answer: Source
  /** Deletes stored responses and cached prompts. */
  reset(): void
  /** Forgets the cached prompts of resources, by their identities. */
  removeResources(ids: readonly string[]): void
}

export interface GenerateDeps {
  /** Stores the responses of the Responses API. */
  readonly responses: ResponseArchive
}

export function createGenerateMode({ responses }: GenerateDeps): GenerateMode {
  const promptCache = new PromptCache()
  const generators: Readonly<Record<ModelOperation, ModelGenerator>> = {
    ...modelGenerators,
    responses: createResponseGenerator(responses),
    countInputTokens: createInputTokenCounter(responses),
    compactConversation: createConversationCompactor(responses),
  }
  const answer: Source = (exchange) => {
    const operation = exchange.route?.operation
    if (operation === undefined) return undefined
    if (!isModelOperation(operation)) return resourceGenerators[operation](exchange, responses)
    // Without a recording, the URL can name a deployment that does not exist.
    return isAddressed(exchange) ? generators[operation](exchange, promptCache) : undefined
  }
  return {
    answer,
    reset() {
      promptCache.clear()
      responses.clear?.()
    },
    removeResources: (ids) => promptCache.removeResources(ids),
  }
}

/** Rendered list of each catalogue. It is the same for all requests. */
const lists = new WeakMap<ModelCatalogue, string>()

/** Whether a deployment has an upstream. Clients of a gateway look for the names that they can use. */
export function isGateway({ deployments }: Pick<Exchange['config'], 'deployments'>): boolean {
  for (const { to } of deployments.values()) if (to) return true
  return false
}

/** Lists the deployments as models. */
export function listDeployments({ config }: Exchange): Reply {
  const models = Array.from(config.deployments.values(), ({ model, name }) => renderModel(model, name))
  return catalogueReply(`{"data":[${models.join(',')}],"object":"list"}`)
}

/** Returns the deployment with the id of the request as a model; undefined for an unknown id. */
export function getDeployment({ route, config }: Exchange): Reply | undefined {
  const deployment = config.deployments.get(route?.id ?? '')
  return deployment && catalogueReply(renderModel(deployment.model, deployment.name))
}

/** Lists all versions of the base models of the region. Like the service, it does not list deployments unless it is a gateway. */
function listModels(exchange: Exchange): Reply {
  if (isGateway(exchange.config)) return listDeployments(exchange)
  const { models } = exchange.config
  let list = lists.get(models)
  if (list === undefined) {
    list = `{"data":[${models.versions.map((model) => renderModel(model)).join(',')}],"object":"list"}`
    lists.set(models, list)
  }
  return catalogueReply(list)
}

/** Returns one base model by its id or name, or a deployment of a gateway. */
function getModel(exchange: Exchange): Reply {
  const deployment = isGateway(exchange.config) ? getDeployment(exchange) : undefined
  if (deployment) return deployment
  const id = exchange.route?.id ?? ''
  const { models } = exchange.config
  const model: Model | undefined =
    models.versions.find((version) => modelId(version) === id) ?? findModel(id, models)
  return model ? catalogueReply(renderModel(model)) : refuse(modelNotFound(id))
}

/** Served by the resource itself: no model and no rate limit applies. */
function catalogueReply(body: string): Reply {
  const service = { layer: 'resource', contentType: 'application/json', chunked: false } as const
  return { status: 200, headers: new HeaderList(), body: textBody(body), service }
}

/**
 * 404 in the envelope of the service. `notFound` is the code in Azure/azure-rest-api-specs; the message is not
 * captured.
 */
export function modelNotFound(id: string): ServiceError {
  return gatewayError('resource', 404, 'notFound', `The model '${id}' does not exist.`)
}
