import { isModelOperation, type ModelOperation, type ResourceOperation } from '../wire/route.ts'
import { type Addressed, type Exchange, isAddressed } from '../pipeline/exchange.ts'
import type { Source } from '../pipeline/stage.ts'
import type { Reply } from '../pipeline/reply.ts'
import { generateSpeech } from './audio/generate-speech.ts'
import { generateTranscription, generateTranslation } from './audio/generate-transcript.ts'
import { generateChat } from './chat.ts'
import { generateCompletion } from './completions.ts'
import { generateEmbeddings } from './embeddings.ts'
import { generateImages } from './images/generate-images.ts'
import { getModel, listModels } from './list-models.ts'
import { PromptCache } from './prompt-cache.ts'
import { createResponseGenerator } from './responses/create-response.ts'
import { cancelResponse, deleteResponse, getResponse, listInputItems } from './responses/manage-responses.ts'
import type { ResponseArchive } from './responses/response-archive.ts'

/** Answers an operation that a deployment's model carries out. */
type ModelGenerator = (exchange: Addressed, promptCache: PromptCache) => Reply | Promise<Reply>

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
type ResourceGenerator = (exchange: Exchange, store: ResponseArchive) => Reply | Promise<Reply>

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
export interface GenerateModeParts {
  /** Keeps the responses of the Responses API. */
  readonly responses: ResponseArchive
}

/** Makes generate mode. */
export function createGenerateMode({ responses }: GenerateModeParts): GenerateMode {
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
