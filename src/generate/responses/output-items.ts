import { alphanumeric } from '../../wire/ids.ts'
import type { ResponseIds } from '../../wire/responses/response-ids.ts'
import { defaultEffort, tellsPhase } from '../../wire/responses/responses-defaults.ts'
import type { Model } from '../../wire/models/models.ts'
import type { ResponsesRequest } from '../../wire/responses/responses-request.ts'
import type { Random } from '../../lib/random.ts'
import { wholeText, type Choice, type ToolCall } from '../../answer/completion.ts'
import { drawLorem } from '../lorem.ts'

/** Whether an item is whole, or was cut by the limit or the content filter. */
export type ItemStatus = 'in_progress' | 'completed' | 'incomplete'

/** The model's thought: hidden, but for a summary where one was asked for. */
export interface ReasoningOutput {
  readonly id: string
  readonly type: 'reasoning'
  readonly encrypted_content?: string
  readonly summary: readonly { readonly type: 'summary_text'; readonly text: string }[]
}

/** The text of an answer. */
export interface MessageOutput {
  readonly id: string
  readonly type: 'message'
  readonly status: ItemStatus
  readonly content: readonly (OutputText | OutputRefusal)[]
  readonly phase?: 'final_answer' | 'commentary'
  readonly role: 'assistant'
}

/** The one part of a message. */
export interface OutputText {
  readonly type: 'output_text'
  readonly annotations: readonly never[]
  readonly logprobs: readonly never[]
  readonly text: string
}

/** The one part of a message that refuses. */
export interface OutputRefusal {
  readonly type: 'refusal'
  readonly refusal: string
}

/** A call that the client is asked to make. */
export type CallOutput =
  | {
      readonly id: string
      readonly type: 'function_call'
      readonly status: ItemStatus
      readonly arguments: string
      readonly call_id: string
      readonly name: string
    }
  | {
      readonly id: string
      readonly type: 'custom_tool_call'
      readonly status: ItemStatus
      readonly call_id: string
      readonly input: string
      readonly name: string
    }

/** An item of an answer, its members in the order of the service. */
export type OutputItem = ReasoningOutput | MessageOutput | CallOutput

/** An item, and the tokens that it is written in, one after the other; thought has none that a client sees. */
export interface WrittenItem {
  readonly item: OutputItem
  readonly pieces: readonly string[]
}

/** Tokens of a summary; how long real ones are is not captured, a paragraph is what they look like. */
const summaryTokens = 48

/** Characters of encrypted thought without a summary: those of the shortest one captured. */
const encryptedLength = 660

/** What the items of an answer are made with. */
export interface ItemContext {
  readonly request: ResponsesRequest
  readonly model: Model
  readonly ids: ResponseIds
  readonly random: Random
  readonly epochSeconds: number
}

/** Gives an answer the form of items: the thought, then the text, then the calls. */
export function outputItems(choice: Choice, context: ItemContext): WrittenItem[] {
  const { request, model, ids, epochSeconds } = context
  const { pieces, toolCalls, finishReason } = choice
  const isCut = finishReason === 'length' || finishReason === 'content_filter'
  const status = isCut ? 'incomplete' : 'completed'
  const items: WrittenItem[] = []
  if (thinks(request, model)) items.push({ item: reasoningItem(choice, context), pieces: [] })
  if (pieces.length > 0 || (toolCalls.length === 0 && !isCut)) {
    const item: MessageOutput = {
      id: ids.next('msg', epochSeconds),
      type: 'message',
      status,
      content: [choice.refused ? outputRefusal(wholeText(choice)) : outputText(wholeText(choice))],
      ...(tellsPhase(model) && { phase: toolCalls.length > 0 ? 'commentary' : 'final_answer' }),
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

/** A text as part of a message. */
export function outputText(text: string): OutputText {
  return { type: 'output_text', annotations: [], logprobs: [], text }
}

/** A refusal as part of a message. */
export function outputRefusal(refusal: string): OutputRefusal {
  return { type: 'refusal', refusal }
}

/** Models that think have an item for it even when they thought nothing, unless they were told not to. */
function thinks({ reasoning }: ResponsesRequest, model: Model): boolean {
  return model.reasoning && (reasoning?.effort ?? defaultEffort(model)) !== 'none'
}

function reasoningItem({ reasoningTokens }: Choice, context: ItemContext): ReasoningOutput {
  const { request, ids, random, epochSeconds } = context
  const { summary, generate_summary: older } = request.reasoning ?? {}
  const isEncrypted = request.include?.includes('reasoning.encrypted_content') === true
  const hasSummary = Boolean(summary ?? older) && reasoningTokens > 0
  const text = hasSummary ? drawLorem(random, summaryTokens).text : ''
  return {
    id: ids.next('rs', epochSeconds),
    type: 'reasoning',
    ...(isEncrypted && { encrypted_content: `gAAAAA${alphanumeric(random, encryptedLength)}==` }),
    summary: hasSummary ? [{ type: 'summary_text', text }] : [],
  }
}

function callItem(call: ToolCall, status: ItemStatus, { ids, epochSeconds }: ItemContext): CallOutput {
  const { id: callId, kind, name } = call
  const text = call.pieces.join('')
  if (kind === 'custom') {
    const id = ids.next('ctc', epochSeconds)
    return { id, type: 'custom_tool_call', status, call_id: callId, input: text, name }
  }
  const id = ids.next('fc', epochSeconds)
  return { id, type: 'function_call', status, arguments: text, call_id: callId, name }
}
