import { alphanumeric } from '../../wire/ids.ts'
import type { ResponseIds } from '../../wire/responses/response-ids.ts'
import type { Model } from '../../wire/models/models.ts'
import { encryptedLength, type ResponsesRequest } from '../../wire/responses/responses-request.ts'
import { namespaceOf } from '../../wire/responses/responses-to-chat.ts'
import type { ResponsesItem } from '../../wire/responses/responses-item.ts'
import type { ResponsesForm } from '../../wire/wire-profile.ts'
import type { Random } from '../../lib/random.ts'
import { wholeText, type Choice, type ToolCall } from '../../answer/completion.ts'
import { drawLorem } from '../lorem.ts'
import {
  outputRefusal,
  outputText,
  type CallOutput,
  type ItemStatus,
  type MessageOutput,
  type ReasoningOutput,
  type WrittenItem,
} from '../../wire/responses/response-object.ts'

/** Tokens of a summary. The real length is not captured; this is about a paragraph. */
const SUMMARY_TOKENS = 48

/** Random characters of encrypted reasoning, which repeat in longer reasoning. 660 is the shortest captured length. */
const ENCRYPTED_LENGTH = 660

export interface ItemContext {
  readonly request: ResponsesRequest
  /** The input, with resolved references. */
  readonly items: readonly ResponsesItem[]
  readonly model: Model
  readonly form: ResponsesForm
  readonly ids: ResponseIds
  readonly random: Random
  readonly epochSeconds: number
}

/** Converts a choice to output items: reasoning, text, then tool calls. */
export function outputItems(choice: Choice, context: ItemContext): WrittenItem[] {
  const { request, model, ids, epochSeconds } = context
  const { pieces, toolCalls, finishReason } = choice
  const isCut = finishReason === 'length' || finishReason === 'content_filter'
  const status = isCut ? 'incomplete' : 'completed'
  const items: WrittenItem[] = []
  if (hasReasoningItem(request, model)) items.push({ item: reasoningItem(choice, context), pieces: [] })
  if (pieces.length > 0 || (toolCalls.length === 0 && !isCut)) {
    const item: MessageOutput = {
      id: ids.next('msg', epochSeconds),
      type: 'message',
      status,
      content: [choice.refused ? outputRefusal(wholeText(choice)) : outputText(wholeText(choice))],
      ...(model.capabilities.phase && { phase: toolCalls.length > 0 ? 'commentary' : 'final_answer' }),
      role: 'assistant',
    }
    items.push({ item, pieces })
  }
  toolCalls.forEach((call, index) => {
    const isLast = index === toolCalls.length - 1
    items.push({ item: callItem(call, isLast ? status : 'completed', context), pieces: call.pieces })
  })
  return items
}

/** Reasoning models always return a reasoning item, even an empty one, unless the effort is `none`. */
function hasReasoningItem({ reasoning }: ResponsesRequest, model: Model): boolean {
  return model.reasoning && (reasoning?.effort ?? model.capabilities.defaultEffort) !== 'none'
}

function reasoningItem({ reasoningTokens }: Choice, context: ItemContext): ReasoningOutput {
  const { request, form, ids, random, epochSeconds } = context
  const { summary, generate_summary: legacySummary } = request.reasoning ?? {}
  const isEncrypted = request.include?.includes('reasoning.encrypted_content') === true
  const hasSummary = Boolean(summary ?? legacySummary) && reasoningTokens > 0
  const text = hasSummary ? drawLorem(random, SUMMARY_TOKENS).text : ''
  return {
    id: ids.next('rs', epochSeconds),
    type: 'reasoning',
    ...(form.hasReasoningContent && { content: [] }),
    ...(isEncrypted && { encrypted_content: drawEncrypted(random, reasoningTokens) }),
    summary: hasSummary ? [{ type: 'summary_text', text }] : [],
  }
}

/** Draws encrypted reasoning of a length from which the next request counts the same tokens. */
export function drawEncrypted(random: Random, reasoningTokens: number): string {
  const text = alphanumeric(random, ENCRYPTED_LENGTH)
  const length = Math.max(text.length, encryptedLength(reasoningTokens) - 'gAAAAA=='.length)
  return `gAAAAA${text.repeat(Math.ceil(length / text.length)).slice(0, length)}==`
}

function callItem(call: ToolCall, status: ItemStatus, context: ItemContext): CallOutput {
  const { request, items, ids, epochSeconds } = context
  const { id: callId, kind, name } = call
  const text = call.pieces.join('')
  const found = namespaceOf(name, request.tools, items)
  const namespace = found === undefined ? {} : { namespace: found }
  if (kind === 'custom') {
    const id = ids.next('ctc', epochSeconds)
    return { id, type: 'custom_tool_call', status, call_id: callId, input: text, name, ...namespace }
  }
  const id = ids.next('fc', epochSeconds)
  return { id, type: 'function_call', status, arguments: text, call_id: callId, name, ...namespace }
}
