import type { Model } from './models/models.ts'
import { validateChat } from './chat/validate-chat.ts'
import { validateCompletions, type CompletionsRequest } from './completions/completions-request.ts'
import { validateEmbeddings, type EmbeddingsRequest } from './embeddings/embeddings-request.ts'
import { validateImages, type ImageRequest } from './images/image-request.ts'
import { validateResponses } from './responses/validate-responses.ts'
import { validateSpeech, type SpeechRequest } from './audio/speech-request.ts'
import {
  validateTranscription,
  type AudioTask,
  readTranscriptionForm,
  type TranscriptionRequest,
} from './audio/transcription-request.ts'
import type { MultipartForm } from './multipart.ts'
import type { ChatRequest } from './chat/chat-request.ts'
import type { Parsed } from './validation/fault.ts'
import type { ResponsesRequest } from './responses/responses-request.ts'
import type { ServiceError } from './errors.ts'

/** Checks the body of a chat completions request against what the service, and the model, accept. */
export function parseChatRequest(body: unknown, model: Model): Parsed<ChatRequest> {
  return parsed<ChatRequest>(body, validateChat(body, model))
}

/** Checks the body of a legacy completions request. */
export function parseCompletionsRequest(body: unknown, model: Model): Parsed<CompletionsRequest> {
  return parsed<CompletionsRequest>(body, validateCompletions(body, model))
}

/** Checks the body of an embeddings request. */
export function parseEmbeddingsRequest(body: unknown, model: Model): Parsed<EmbeddingsRequest> {
  return parsed<EmbeddingsRequest>(body, validateEmbeddings(body, model))
}

/** Checks the body of a request for a response. */
export function parseResponsesRequest(body: unknown, model: Model): Parsed<ResponsesRequest> {
  return parsed<ResponsesRequest>(body, validateResponses(body, model))
}

/** Checks the body of a request for images. */
export function parseImageRequest(body: unknown, model: Model): Parsed<ImageRequest> {
  return parsed<ImageRequest>(body, validateImages(body, model))
}

/** Checks the body of a request for speech. */
export function parseSpeechRequest(body: unknown, model: Model): Parsed<SpeechRequest> {
  return parsed<SpeechRequest>(body, validateSpeech(body, model))
}

/** Checks the form of a transcription or a translation. */
export function parseTranscriptionRequest(
  form: MultipartForm,
  model: Model,
  task: AudioTask,
): Parsed<TranscriptionRequest> {
  const error = validateTranscription(form, model, task)
  return error ? { ok: false, error } : { ok: true, request: readTranscriptionForm(form) }
}

/** The only place where a body becomes a request: what validation lets through is what the interfaces describe. */
function parsed<T>(body: unknown, error: ServiceError | undefined): Parsed<T> {
  return error ? { ok: false, error } : { ok: true, request: body as T }
}
