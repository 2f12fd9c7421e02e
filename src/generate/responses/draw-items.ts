import { alphanumeric } from '../../wire/ids.ts'
import type { ResponseIds } from '../../wire/responses/response-ids.ts'
import type { Model } from '../../wire/models/models.ts'
import { sealContent } from '../../wire/responses/encrypted-content.ts'
import {
  encryptedLength,
  type ResponsesRequest,
  type ResponsesTool,
} from '../../wire/responses/responses-request.ts'
import { namespaceOf } from '../../wire/responses/responses-to-chat.ts'
import type { ResponsesItem } from '../../wire/responses/responses-item.ts'
import type { ResponsesForm } from '../../wire/wire-profile.ts'
import { lognormal, type Random } from '../../lib/random.ts'
import { wholeText, type Choice, type ToolCall } from '../../answer/completion.ts'
import { logprobEntries } from '../logprobs.ts'
import { drawLorem } from '../lorem.ts'
import type { DrawnCall } from './hosted/hosted-call.ts'
import { mcpListItem } from './hosted/mcp.ts'
import {
  outputRefusal,
  outputText,
  type CallOutput,
  type ItemStatus,
  type MessageOutput,
  type ReasoningOutput,
  type TokenLogprob,
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
  /** Identity of the resource (`ResourceConfig.id`), which marks encrypted content. */
  readonly resource: string
  readonly ids: ResponseIds
  readonly random: Random
  readonly epochSeconds: number
  /** Tokens of the summary that replaces the earlier conversation. Absent if the answer does not compact it. */
  readonly summaryTokens?: number | undefined
  /** Remote servers with tools that the answer lists. */
  readonly servers: readonly ResponsesTool[]
}

/** Returns the hosted calls of a choice. Only this API has them, so they are all drawn by its tools. */
export function hostedCallsOf({ hosted = [] }: Choice): readonly DrawnCall[] {
  return hosted as readonly DrawnCall[]
}

/** Converts a choice to output items: tools of remote servers, reasoning, hosted calls, text, then tool calls. */
export function outputItems(choice: Choice, context: ItemContext): WrittenItem[] {
  const { request, model, ids, epochSeconds } = context
  const { pieces, toolCalls, finishReason } = choice
  const isCut = finishReason === 'length' || finishReason === 'content_filter'
  const status = isCut ? 'incomplete' : 'completed'
  const hosted = hostedCallsOf(choice)
  const items = [...compactionOf(context), ...context.servers.map((server) => mcpListItem(server, context))]
  if (hasReasoningItem(request, model)) items.push({ item: reasoningItem(choice, context), pieces: [] })
  for (const call of hosted) items.push(...call.items(context))
  const isCalling = toolCalls.length > 0 || hosted.at(-1)?.endsAnswer === true
  if (pieces.length > 0 || (!isCalling && !isCut)) {
    const text = wholeText(choice)
    const annotations = hosted.flatMap((call) => call.annotations?.(text) ?? [])
    const item: MessageOutput = {
      id: ids.next('msg', epochSeconds),
      type: 'message',
      status,
      content: [
        choice.refused ? outputRefusal(text) : outputText(text, annotations, logprobsOf(pieces, context)),
      ],
      ...(model.capabilities.phase && { phase: toolCalls.length > 0 ? 'commentary' : 'final_answer' }),
      role: 'assistant',
    }
    items.push({ item, pieces })
  }
  const loaded = items.some(({ item }) => item.type === 'tool_search_output')
  toolCalls.forEach((call, index) => {
    const isLast = index === toolCalls.length - 1
    const itemStatus = isLast ? status : 'completed'
    items.push({ item: callItem(call, itemStatus, context, loaded), pieces: call.pieces })
  })
  return items
}

/** Tokens of a summary: lognormal, since no length is published. */
const MEDIAN_SUMMARY_TOKENS = 400
const SUMMARY_LOG_DEVIATION = 0.4
const MAX_SUMMARY_TOKENS = 4_096

/** Draws the length of a summary. */
export function drawSummaryTokens(random: Random): number {
  const drawn = Math.round(lognormal(MEDIAN_SUMMARY_TOKENS, SUMMARY_LOG_DEVIATION, random))
  return Math.min(MAX_SUMMARY_TOKENS, Math.max(1, drawn))
}

function compactionOf({ summaryTokens, ids, random, epochSeconds, resource }: ItemContext): WrittenItem[] {
  if (summaryTokens === undefined) return []
  const id = ids.next('cmp', epochSeconds)
  const content = drawEncrypted(random, summaryTokens, resource)
  return [{ item: { id, type: 'compaction', encrypted_content: content }, pieces: [] }]
}

function logprobsOf(pieces: readonly string[], { request, random }: ItemContext): readonly TokenLogprob[] {
  if (!request.include?.includes('message.output_text.logprobs')) return []
  return logprobEntries(pieces, { top: request.top_logprobs ?? 0, random: random.fork() })
}

/** Reasoning models always return a reasoning item, even an empty one, unless the effort is `none`. */
function hasReasoningItem({ reasoning }: ResponsesRequest, model: Model): boolean {
  return model.reasoning && (reasoning?.effort ?? model.capabilities.defaultEffort) !== 'none'
}

function reasoningItem({ reasoningTokens }: Choice, context: ItemContext): ReasoningOutput {
  const { request, resource, form, ids, random, epochSeconds } = context
  const { summary, generate_summary: legacySummary } = request.reasoning ?? {}
  const isEncrypted = request.include?.includes('reasoning.encrypted_content') === true
  const hasSummary = Boolean(summary ?? legacySummary) && reasoningTokens > 0
  const text = hasSummary ? drawLorem(random, SUMMARY_TOKENS).text : ''
  return {
    id: ids.next('rs', epochSeconds),
    type: 'reasoning',
    ...(form.hasReasoningContent && { content: [] }),
    ...(isEncrypted && { encrypted_content: drawEncrypted(random, reasoningTokens, resource) }),
    summary: hasSummary ? [{ type: 'summary_text', text }] : [],
  }
}

/** Draws encrypted content of a length from which the next request counts the same tokens. */
export function drawEncrypted(random: Random, tokens: number, resource: string): string {
  const text = alphanumeric(random, ENCRYPTED_LENGTH)
  const length = Math.max(text.length, encryptedLength(tokens) - 'gAAAAA=='.length)
  return sealContent(text.repeat(Math.ceil(length / text.length)).slice(0, length), resource)
}

/** @param loaded whether the answer has loaded the tool: it then has its own name as its namespace (capture of March 2026) */
function callItem(call: ToolCall, status: ItemStatus, context: ItemContext, loaded: boolean): CallOutput {
  const { request, items, ids, epochSeconds } = context
  const { id: callId, kind, name } = call
  const text = call.pieces.join('')
  const found = namespaceOf(name, request.tools, items, loaded)
  const namespace = found === undefined ? {} : { namespace: found }
  if (kind === 'custom') {
    const id = ids.next('ctc', epochSeconds)
    return { id, type: 'custom_tool_call', status, call_id: callId, input: text, name, ...namespace }
  }
  const id = ids.next('fc', epochSeconds)
  return { id, type: 'function_call', status, arguments: text, call_id: callId, name, ...namespace }
}
