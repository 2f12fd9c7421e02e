import { isRecord } from '../../lib/record.ts'
import { defaultSchema } from '../json-schema/strict-schema.ts'
import type {
  ChatMessage,
  ContentPart,
  ToolCall,
  ChatRequest,
  ResponseFormat,
  Tool,
  ToolChoice,
} from '../chat/chat-request.ts'
import {
  isMessage,
  isReference,
  type CustomToolCallItem,
  type FunctionCallItem,
  type LoadedToolsItem,
  type ResponsesItem,
  type ResponsesPart,
} from './responses-item.ts'
import type { ResponsesRequest, ResponsesTextFormat, ResponsesTool } from './responses-request.ts'

/**
 * Converts a request to the equivalent chat request, so that both APIs share token counting and generation. Omits tools that the
 * service executes, since chat has none.
 *
 * @param items the input with resolved references
 */
export function chatRequestOf(request: ResponsesRequest, items: readonly ResponsesItem[]): ChatRequest {
  const { instructions, tools, tool_choice: choice, text, reasoning } = request
  const messages = chatMessagesOf(items)
  const chatTools = callableTools(tools, items).map(({ tool }) => tool)
  const format = text?.format ? formatOf(text.format) : undefined
  return {
    messages: instructions ? [{ role: 'system', content: instructions }, ...messages] : messages,
    ...(chatTools.length > 0 && { tools: chatTools }),
    ...(choice && { tool_choice: choiceOf(choice) }),
    parallel_tool_calls: request.parallel_tool_calls ?? null,
    ...(format && { response_format: format }),
    max_completion_tokens: request.max_output_tokens ?? null,
    reasoning_effort: reasoning?.effort ?? null,
    verbosity: text?.verbosity ?? null,
    prompt_cache_key: request.prompt_cache_key ?? null,
    prompt_cache_retention: request.prompt_cache_retention ?? null,
    prompt_cache_options: request.prompt_cache_options ?? null,
  }
}

/** A tool that the model can call. */
export interface CallableTool {
  readonly tool: Tool
  /** Its namespace; absent for tools without one. */
  readonly namespace?: string | undefined
  /** The tool or the namespace in the request. */
  readonly source: ResponsesTool
}

/**
 * Returns the functions and custom tools that the model can call: those of the request and of its namespaces, except deferred ones,
 * and those that items have loaded.
 */
function callableTools(
  tools: ResponsesRequest['tools'],
  items: readonly ResponsesItem[],
): readonly CallableTool[] {
  const available = flatTools(tools ?? []).filter(({ deferred }) => !deferred)
  const loaded = items.filter(loadsTools)
  if (loaded.length === 0) return available
  const byName = new Map(available.map((one) => [nameOf(one.tool), one]))
  for (const { tools } of loaded) for (const one of flatTools(tools)) byName.set(nameOf(one.tool), one)
  return [...byName.values()]
}

/**
 * Returns the namespace of a tool that the model calls, or undefined. A tool that the same answer loads has one: its own name, if the
 * request has none.
 */
export function namespaceOf(
  name: string,
  tools: ResponsesRequest['tools'],
  items: readonly ResponsesItem[],
  loadsTools = false,
): string | undefined {
  const isNamed = ({ tool }: CallableTool): boolean => nameOf(tool) === name
  const callable = callableTools(tools, items).find(isNamed)
  if (callable || !loadsTools) return callable?.namespace
  return deferredTools(tools, items).find(isNamed)?.namespace ?? name
}

/** Returns the functions and custom tools that the model sees only after a tool search, and that no item has loaded. */
export function deferredTools(
  tools: ResponsesRequest['tools'],
  items: readonly ResponsesItem[],
): readonly CallableTool[] {
  const deferred = flatTools(tools ?? []).filter((one) => one.deferred)
  if (deferred.length === 0) return deferred
  const loaded = new Set(callableTools(tools, items).map(({ tool }) => nameOf(tool)))
  return deferred.filter(({ tool }) => !loaded.has(nameOf(tool)))
}

function flatTools(
  tools: readonly ResponsesTool[],
  namespace?: ResponsesTool,
): (CallableTool & { readonly deferred: boolean })[] {
  return tools.flatMap((tool) => {
    if (tool.type === 'namespace') return flatTools(tool.tools ?? [], tool)
    return toolOf(tool).map((one) => ({
      tool: one,
      namespace: namespace?.name,
      source: namespace ?? tool,
      deferred: tool.defer_loading === true,
    }))
  })
}

function loadsTools(item: ResponsesItem): item is LoadedToolsItem {
  return item.type === 'additional_tools' || item.type === 'tool_search_output'
}

function nameOf(tool: Tool): string {
  return tool.type === 'custom' ? tool.custom.name : tool.function.name
}

/** Converts items to messages. Consecutive calls are one message. */
export function chatMessagesOf(items: readonly ResponsesItem[]): ChatMessage[] {
  const messages: ChatMessage[] = []
  let calls: ToolCall[] = []
  for (const item of items) {
    if (isMessage(item)) {
      calls = []
      messages.push({ role: item.role, content: contentOf(item.content) })
    } else if (!isReference(item)) {
      switch (item.type) {
        case 'function_call':
        case 'custom_tool_call':
          if (calls.length === 0) messages.push({ role: 'assistant', content: null, tool_calls: calls })
          calls.push(callOf(item))
          break
        case 'function_call_output':
        case 'custom_tool_call_output':
          calls = []
          messages.push({ role: 'tool', content: contentOf(item.output), tool_call_id: item.call_id })
          break
        default:
        // Reasoning and the output of hosted tools do not count.
      }
    }
  }
  return messages
}

function callOf(item: FunctionCallItem | CustomToolCallItem): ToolCall {
  const { call_id: id, name } = item
  return item.type === 'function_call'
    ? { id, type: 'function', function: { name, arguments: item.arguments } }
    : { id, type: 'custom', custom: { name, input: item.input } }
}

function contentOf(content: string | readonly ResponsesPart[]): string | ContentPart[] {
  return typeof content === 'string' ? content : content.flatMap(partWithBreakpoint)
}

function partWithBreakpoint(part: ResponsesPart): ContentPart[] {
  const parts = partOf(part)
  if (!('prompt_cache_breakpoint' in part) || !part.prompt_cache_breakpoint) return parts
  // The parts are new objects.
  for (const one of parts) Object.assign(one, { prompt_cache_breakpoint: part.prompt_cache_breakpoint })
  return parts
}

function partOf(part: ResponsesPart): ContentPart[] {
  switch (part.type) {
    case 'refusal':
      return [{ type: 'refusal', refusal: part.refusal }]
    case 'input_image':
      // An uploaded image has no URL.
      return [{ type: 'image_url', image_url: { url: part.image_url ?? '', detail: part.detail ?? null } }]
    case 'computer_screenshot':
      return part.image_url ? [{ type: 'image_url', image_url: { url: part.image_url } }] : []
    case 'input_file': {
      const { file_data: data, file_id: id, filename } = part
      const file = { file_data: data ?? null, file_id: id ?? null, filename: filename ?? null }
      return [{ type: 'file', file }]
    }
    default:
      return [{ type: 'text', text: part.text }]
  }
}

function toolOf({ type, name = '', description, parameters, strict, format }: ResponsesTool): Tool[] {
  if (type === 'custom') {
    const custom = { name, description: description ?? null }
    return [{ type, custom: isRecord(format) ? { ...custom, format: { grammar: format } } : custom }]
  }
  if (type !== 'function') return []
  const schema = parameters && typeof strict !== 'boolean' ? defaultSchema(parameters) : (parameters ?? null)
  const definition = { name, description: description ?? null, parameters: schema }
  return [{ type, function: { ...definition, strict: strict ?? null } }]
}

function choiceOf(choice: NonNullable<ResponsesRequest['tool_choice']>): ToolChoice {
  if (typeof choice === 'string') return choice
  const { type, name = '', mode = 'auto', tools = [] } = choice
  switch (type) {
    case 'function':
      return { type, function: { name } }
    case 'custom':
      return { type, custom: { name } }
    case 'allowed_tools':
      return { type, allowed_tools: { mode, tools } }
    default:
      // For a tool that the service executes, the client receives text.
      return 'none'
  }
}

function formatOf(format: ResponsesTextFormat): ResponseFormat {
  if (format.type !== 'json_schema') return { type: format.type }
  const { name, description, schema, strict } = format
  const definition = { name, description: description ?? null, schema, strict: strict ?? null }
  return { type: 'json_schema', json_schema: definition }
}
