import { isModelOperation, type ModelOperation, type ResourceOperation } from '../wire/route.ts'
import { type Addressed, type Exchange, isAddressed } from '../pipeline/exchange.ts'
import type { ReplyOrPromise, Source } from '../pipeline/stage.ts'
import { type Reply, HeaderList } from '../pipeline/reply.ts'
import { generateSpeech } from './audio/generate-speech.ts'
import { generateTranscription, generateTranslation } from './audio/generate-transcript.ts'
import { generateChat } from './chat.ts'
import { generateCompletion } from './completions.ts'
import { generateEmbeddings } from './embeddings.ts'
import { generateImages } from './images/generate-images.ts'
import { PromptCache } from './prompt-cache.ts'
import { createResponseGenerator } from './responses/create-response.ts'
import { cancelResponse, deleteResponse, getResponse, listInputItems } from './responses/manage-responses.ts'
import type { ResponseArchive } from './responses/response-archive.ts'
import { gatewayError, type ServiceError } from '../wire/errors.ts'
import { findModel, modelId, type ModelCatalogue } from '../wire/models/model-catalogue.ts'
import type { Model } from '../wire/models/models.ts'
import { refuse } from '../pipeline/reply-headers.ts'
import { textBody } from '../answer/body.ts'
import { renderModel } from '../wire/models/write-model.ts'

/** Answers an operation that a deployment's model carries out. */
type ModelGenerator = (exchange: Addressed, promptCache: PromptCache) => ReplyOrPromise

/** Operations that a deployment's model carries out. */
const modelGenerators: Readonly<Record<Exclude<ModelOperation, 'responses'>, ModelGenerator>> = {
  chatCompletions: generateChat,
  completions: generateCompletion,
  embeddings: generateEmbeddings,
  imageGenerations: generateImages,
  speech: generateSpeech,
  transcriptions: generateTranscription,
  translations: generateTranslation,
}

/** Answers an operation for which no deployment is needed. */
type ResourceGenerator = (exchange: Exchange, store: ResponseArchive) => ReplyOrPromise

/** Operations on what was answered before, and on the catalogue. */
const resourceGenerators: Readonly<Record<ResourceOperation, ResourceGenerator>> = {
  getResponse,
  deleteResponse,
  cancelResponse,
  listInputItems,
  listModels,
  getModel,
}

/** Generate mode, and what it remembers. */
export interface GenerateMode {
  /** Answers every known operation with made-up content of true size. */
  readonly answer: Source
  /** Forgets stored responses and cached prompts. */
  reset(): void
}

/** What generate mode is made from. */
export interface GenerateDeps {
  /** Keeps the responses of the Responses API. */
  readonly responses: ResponseArchive
}

/** Makes generate mode. */
export function createGenerateMode({ responses }: GenerateDeps): GenerateMode {
  const promptCache = new PromptCache()
  const generators: Readonly<Record<ModelOperation, ModelGenerator>> = {
    ...modelGenerators,
    responses: createResponseGenerator(responses),
  }
  const answer: Source = (exchange) => {
    const operation = exchange.route?.operation
    if (operation === undefined) return undefined
    if (!isModelOperation(operation)) return resourceGenerators[operation](exchange, responses)
    // What was not recorded may name what no deployment is.
    return isAddressed(exchange) ? generators[operation](exchange, promptCache) : undefined
  }
  return {
    answer,
    reset() {
      promptCache.clear()
      responses.clear?.()
    },
  }
}

/** The list of a catalogue, which is the same for every request. */
const lists = new WeakMap<ModelCatalogue, string>()

/** Lists the base models of the region, in every version: not the deployments, as on the service. */
function listModels(exchange: Exchange): Reply {
  const { models } = exchange.config
  let list = lists.get(models)
  if (list === undefined) {
    list = `{"data":[${models.versions.map(renderModel).join(',')}],"object":"list"}`
    lists.set(models, list)
  }
  return catalogueReply(list)
}

/** Answers with one base model, by its id or its name. */
function getModel(exchange: Exchange): Reply {
  const id = exchange.route?.id ?? ''
  const { models } = exchange.config
  const model: Model | undefined =
    models.versions.find((version) => modelId(version) === id) ?? findModel(id, models)
  return model ? catalogueReply(renderModel(model)) : refuse(modelNotFound(id))
}

/** The catalogue is the resource's: no model and no limit is asked. */
function catalogueReply(body: string): Reply {
  const service = { layer: 'resource', contentType: 'application/json', chunked: false } as const
  return { status: 200, headers: new HeaderList(), body: textBody(body), service }
}

/** 404 in the service's envelope; `notFound` is the code of Azure/azure-rest-api-specs, the text is not captured. */
function modelNotFound(id: string): ServiceError {
  return gatewayError('resource', 404, 'notFound', `The model '${id}' does not exist.`)
}
