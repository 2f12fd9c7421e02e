import type { Model } from '../models.ts'
import { validateChat } from '../validation/chat.ts'
import { validateCompletions } from '../validation/completions.ts'
import { validateEmbeddings } from '../validation/embeddings.ts'
import type { ChatRequest } from './chat-request.ts'
import type { CompletionsRequest } from './completions-request.ts'
import type { EmbeddingsRequest } from './embeddings-request.ts'
import type { Parsed } from './parsed.ts'
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

/** The only place where a body becomes a request: what validation lets through is what the interfaces describe. */
function parsed<T>(body: unknown, error: ServiceError | undefined): Parsed<T> {
  return error ? { ok: false, error } : { ok: true, request: body as T }
}
