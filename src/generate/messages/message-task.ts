import type { Deployment } from '../../config/deployments.ts'
import type { Exchange } from '../../pipeline/exchange.ts'
import { blocksOf } from '../../wire/messages/check-conversation.ts'
import { clientToolName, clientToolSchema, isFunctionTool } from '../../wire/messages/anthropic-tools.ts'
import type { ContentBlockParam, MessagesRequest } from '../../wire/messages/messages-request.ts'
import { type PromptSegment, tokenRates } from '../../wire/messages/prompt-segments.ts'
import { claudeTraits } from '../../wire/models/claude-traits.ts'
import type { Model } from '../../wire/models/models.ts'
import { reachesCache } from '../cached-prompt.ts'
import type { ToolHistory } from '../choose-tools.ts'
import type { ClientTool, CompletionTask, TextFormat, ToolChoice } from '../completion-task.ts'
import type { Breakpoint, CacheUse, MarkedUse, PromptCache } from '../prompt-cache.ts'

/** The end of a text is billed with the message. */
const noEnd = { frame: 0, end: 0 }

/**
 * Converts a request to a task.
 *
 * @param room maximum number of pieces of the answer
 */
export function messageTask(
  request: MessagesRequest,
  model: Model,
  promptTokens: number,
  cacheUse: CacheUse,
  room: number,
): CompletionTask {
  const { tools = [], tool_choice: choice, stop_sequences: stop = [], output_config: output } = request
  return {
    promptTokens: Math.ceil(promptTokens / tokenRates(model).factor),
    cacheUse,
    count: 1,
    requestedTokens: room,
    tools: tools.map(toolOf),
    toolChoice: choiceOf(request),
    parallelToolCalls: !(choice && 'disable_parallel_tool_use' in choice && choice.disable_parallel_tool_use),
    history: historyOf(request),
    format: formatOf(output?.format),
    stop,
    reasoningEffort: undefined,
    end: noEnd,
  }
}

function toolOf(tool: NonNullable<MessagesRequest['tools']>[number]): ClientTool {
  const strict = isFunctionTool(tool) && tool.strict === true
  return { kind: 'function', name: clientToolName(tool) ?? '', parameters: clientToolSchema(tool), strict }
}

function choiceOf({ tools = [], tool_choice: choice }: MessagesRequest): ToolChoice {
  if (tools.length === 0 || choice?.type === 'none') return { kind: 'none' }
  if (choice?.type === 'tool') return { kind: 'named', names: [choice.name] }
  return { kind: choice?.type === 'any' ? 'required' : 'auto' }
}

type JsonFormat = NonNullable<MessagesRequest['output_config']>['format']

function formatOf(format: JsonFormat): TextFormat {
  return format ? { kind: 'json-schema', schema: format.schema } : { kind: 'text' }
}

/** Reads the calls since the last message of the user that is not only results. */
function historyOf({ messages }: MessagesRequest): ToolHistory {
  const start =
    messages.findLastIndex((message) => message.role === 'user' && !hasResults(blocksOf(message))) + 1
  let rounds = 0
  const called: string[] = []
  for (const message of messages.slice(start)) {
    const names = blocksOf(message).flatMap((block) => (block.type === 'tool_use' ? [block.name] : []))
    if (names.length === 0) continue
    rounds++
    called.push(...names)
  }
  return { rounds, called }
}

function hasResults(blocks: readonly ContentBlockParam[]): boolean {
  return blocks.some(({ type }) => type === 'tool_result')
}

/** Yields each text that the model reads in the messages of a request. */
export function* readableMessageTexts({ system, messages }: MessagesRequest): Generator<string> {
  if (system !== undefined) yield* textsOf(blocksOf({ content: system }))
  for (const message of messages) yield* textsOf(blocksOf(message))
}

function* textsOf(blocks: readonly ContentBlockParam[]): Generator<string> {
  for (const block of blocks) {
    if (block.type === 'text') yield block.text
    else if (block.type === 'tool_use') yield JSON.stringify(block.input)
    else if (block.type === 'tool_result' && block.content !== undefined) {
      yield* textsOf(blocksOf({ content: block.content }))
    } else if (block.type === 'document' && block.source.type === 'text') yield block.source.data
  }
}

const noUse: MarkedUse = { read: 0, written: 0, writtenForHour: 0 }

/** Stores the prefixes of a prompt up to its breakpoints. Returns how many tokens were read from the cache and written to it. */
export function useMessageCache(
  exchange: Exchange,
  deployment: Deployment,
  { output_config: output }: MessagesRequest,
  segments: readonly PromptSegment[],
  promptCache: PromptCache,
): MarkedUse {
  const breakpoints = breakpointsOf(segments)
  if (breakpoints.length === 0) return noUse
  const sums = sumsOf(segments)
  const prompt = {
    resource: exchange.config.id,
    deployment: deployment.name,
    key: `messages ${output?.effort ?? ''}`,
    texts: segments.map(({ text }) => text),
    breakpoints,
    minTokens: claudeTraits(deployment.model).minCachedTokens,
    isEnd: (end: number) => segments[end - 1]?.isBlock === true,
    tokensOf: (end: number) => Math.round(sums[end] ?? 0),
  }
  return promptCache.useMarked(prompt, exchange.clock.nowMs(), reachesCache(exchange, deployment))
}

function breakpointsOf(segments: readonly PromptSegment[]): readonly Breakpoint[] {
  return segments.flatMap(({ control }, index) =>
    control ? [{ end: index + 1, retention: control.ttl ?? '5m' }] : [],
  )
}

/** Tokens of each number of segments. */
function sumsOf(segments: readonly PromptSegment[]): Float64Array {
  const sums = new Float64Array(segments.length + 1)
  for (const [index, { tokens }] of segments.entries()) sums[index + 1] = (sums[index] ?? 0) + tokens
  return sums
}
