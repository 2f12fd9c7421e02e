import type { Model } from '../models.ts'
import { validateChat } from '../validation/chat.ts'
import { validateCompletions } from '../validation/completions.ts'
import { validateEmbeddings } from '../validation/embeddings.ts'
import { validateImages } from '../validation/image-generations.ts'
import { validateResponses } from '../validation/responses.ts'
import { validateSpeech } from '../validation/speech.ts'
import { validateTranscription, type AudioTask } from '../validation/transcription.ts'
import type { MultipartForm } from '../multipart.ts'
import type { ChatRequest } from './chat-request.ts'
import type { CompletionsRequest } from './completions-request.ts'
import type { EmbeddingsRequest } from './embeddings-request.ts'
import type { ImageRequest } from './image-request.ts'
import type { Parsed } from './parsed.ts'
import type { ResponsesRequest } from './responses-request.ts'
import type { SpeechRequest } from './speech-request.ts'
import { readTranscriptionForm, type TranscriptionRequest } from './transcription-request.ts'
import type { ServiceError } from '../errors.ts'

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
