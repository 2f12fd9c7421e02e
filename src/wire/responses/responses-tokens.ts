import type { TokenCounter } from '../../tokens/encoding.ts'
import type { Model } from '../models/models.ts'
import { countChatPrompt } from '../chat/prompt-tokens.ts'
import { chatRequestOf } from './responses-to-chat.ts'
import type { ResponsesRequest } from './responses-request.ts'

/** What of a Responses request its input tokens depend on. */
export type CountedResponsesRequest = Pick<
  ResponsesRequest,
  'input' | 'instructions' | 'tools' | 'tool_choice' | 'text'
>

/**
 * The input tokens that a Responses request is billed: those of the same chat, `instructions` being its system
 * message. Items that a reference or `previous_response_id` brings in have to be in `input` already.
 */
export function countResponsesInput(
  request: CountedResponsesRequest,
  model: Model,
  encoding: TokenCounter,
): number {
  const { input } = request
  const items = typeof input === 'string' ? [{ role: 'user' as const, content: input }] : input
  return countChatPrompt(chatRequestOf(request, items), model, encoding, 'responses')
}
