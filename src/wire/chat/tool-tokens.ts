import { RecentMap } from '../../lib/recent-map.ts'
import type { TokenCounter } from '../../tokens/encoding.ts'
import type { ChatRequest, FunctionDefinition, ResponseFormat, Tool } from './chat-request.ts'
import { renderFormat, renderTools, type DescribedTool } from './tool-tokens-text.ts'

/** Half of the characters that remembered tools and schemas may take, since there are two generations: 16 MiB in all. */
const rememberedChars = 4 * 1024 * 1024

/** Longer JSON is not remembered, in characters: a few such definitions would evict all others. */
const longestRemembered = 256 * 1024

/** Counts of tools and formats, which come again with every request of a conversation, by the JSON that asked for them. */
const remembered = new RecentMap<string, { readonly tokens: number; readonly chars: number }>(
  rememberedChars,
  ({ chars }) => chars + 100,
)

/** Tokens of the text that stands for a request's tools, or for its functions, the older form; 0 without any. */
export function countTools({ tools, functions }: ChatRequest, encoding: TokenCounter): number {
  if (tools && tools.length > 0) {
    return countOnce('tools', tools, encoding, () => renderTools(tools.map(describeTool)))
  }
  if (functions && functions.length > 0) {
    return countOnce('functions', functions, encoding, () => renderTools(functions.map(describeFunction)))
  }
  return 0
}

/** Tokens of the text that stands for a JSON schema which the answer must follow; 0 without one. */
export function countFormat(format: ResponseFormat | null | undefined, encoding: TokenCounter): number {
  if (format?.type !== 'json_schema') return 0
  const { json_schema: schema } = format
  return countOnce('format', schema, encoding, () => renderFormat(schema))
}

/**
 * Tokens that the choice of a tool adds: one for none at all, the tool's name and seven for a tool that must be called
 * (bills of 2024 and 2026), of which the only one counts as named when a call is required (bills of 2025).
 */
export function countToolChoice(request: ChatRequest, encoding: TokenCounter): number {
  const { tools, functions, tool_choice: choice, function_call: call } = request
  const names = tools?.map((tool) => describeTool(tool).name) ?? functions?.map(({ name }) => name) ?? []
  if (names.length === 0) return 0
  const chosen = choice ?? call
  if (chosen === 'none') return 1
  if (chosen === 'required') return names.length === 1 ? forcedTool + encoding.count(names[0] ?? '') : 0
  if (typeof chosen !== 'object' || chosen === null) return 0
  if ('name' in chosen) return forcedFunction + encoding.count(chosen.name)
  if (chosen.type === 'function') return forcedTool + encoding.count(chosen.function.name)
  return chosen.type === 'custom' ? forcedTool + encoding.count(chosen.custom.name) : 0
}

const forcedTool = 7
/** Of the older form (hmarr/openai-chat-tokens issue 9, 2023). */
const forcedFunction = 4

function describeTool(tool: Tool): DescribedTool {
  return tool.type === 'custom' ? { ...tool.custom, custom: true } : describeFunction(tool.function)
}

function describeFunction({ name, description, parameters }: FunctionDefinition): DescribedTool {
  return { name, description, parameters }
}

function countOnce(kind: string, asked: unknown, encoding: TokenCounter, render: () => string): number {
  const key = `${encoding.name} ${kind} ${jsonOf(asked)}`
  const known = remembered.get(key)
  if (known) return known.tokens
  const tokens = encoding.count(render())
  if (!encoding.collects && key.length <= longestRemembered)
    remembered.set(key, { tokens, chars: key.length })
  return tokens
}

/** A schema that is nested deeper than the stack allows counts as nothing; no model could be shown it. */
function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch {
    return ''
  }
}
