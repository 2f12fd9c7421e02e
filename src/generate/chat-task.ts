import type { ChatRequest, FunctionDefinition, ResponseFormat, Tool } from '../wire/chat/chat-request.ts'
import type { CompletionTask, TextFormat, ToolChoice, ToolDefinition } from './completion-task.ts'

const noTools: readonly ToolDefinition[] = []
const noStop: readonly string[] = []
const none: ToolChoice = { kind: 'none' }
const auto: ToolChoice = { kind: 'auto' }
const required: ToolChoice = { kind: 'required' }
const plainText: TextFormat = { kind: 'text' }
const jsonObject: TextFormat = { kind: 'json-object' }

/** The limit that a request sets to each of its choices, in tokens; undefined when it has none. */
export function requestedTokens(request: ChatRequest): number | undefined {
  return request.max_completion_tokens ?? request.max_tokens ?? undefined
}

/** Whether a request uses `functions`, the older form of `tools`, so that its answer has to. */
export function usesFunctions({ tools, functions }: ChatRequest): boolean {
  return (tools?.length ?? 0) === 0 && (functions?.length ?? 0) > 0
}

/** What a chat request asks of the model. */
export function chatTask(request: ChatRequest, promptTokens: number, cachedTokens: number): CompletionTask {
  const tools = toolsOf(request)
  const role = request.messages.at(-1)?.role
  return {
    promptTokens,
    cachedTokens,
    count: request.n ?? 1,
    requestedTokens: requestedTokens(request),
    tools: tools.length > 0 ? allowedOf(tools, request) : tools,
    toolChoice: tools.length > 0 ? choiceOf(request) : none,
    parallelToolCalls: request.parallel_tool_calls !== false && !usesFunctions(request),
    afterToolResult: role === 'tool' || role === 'function',
    format: formatOf(request.response_format),
    stop: stopOf(request.stop),
    reasoningEffort: request.reasoning_effort ?? undefined,
  }
}

function toolsOf({ tools, functions }: ChatRequest): readonly ToolDefinition[] {
  if (tools && tools.length > 0) return tools.map(toolOf)
  return functions?.map(functionOf) ?? noTools
}

function toolOf(tool: Tool): ToolDefinition {
  return tool.type === 'custom' ? { kind: 'custom', name: tool.custom.name } : functionOf(tool.function)
}

function functionOf({ name, parameters, strict }: FunctionDefinition): ToolDefinition {
  return { kind: 'function', name, parameters: parameters ?? undefined, strict: strict === true }
}

function choiceOf({ tool_choice: choice, function_call: call, ...request }: ChatRequest): ToolChoice {
  const chosen = usesFunctions(request) ? call : choice
  if (chosen === undefined || chosen === null || chosen === 'auto') return auto
  if (typeof chosen === 'string') return chosen === 'none' ? none : required
  if ('name' in chosen) return { kind: 'named', names: [chosen.name] }
  switch (chosen.type) {
    case 'custom':
      return { kind: 'named', names: [chosen.custom.name] }
    case 'allowed_tools':
      return chosen.allowed_tools.mode === 'auto' ? auto : required
    default:
      return { kind: 'named', names: [chosen.function.name] }
  }
}

/** `allowed_tools` takes the other tools out of the model's reach. */
function allowedOf(
  tools: readonly ToolDefinition[],
  { tool_choice: choice }: ChatRequest,
): readonly ToolDefinition[] {
  if (typeof choice !== 'object' || choice?.type !== 'allowed_tools') return tools
  const names = new Set(choice.allowed_tools.tools.map(nameOf))
  return tools.filter((tool) => names.has(tool.name))
}

function nameOf({ type, ...tool }: Readonly<Record<string, unknown>>): unknown {
  const definition = typeof type === 'string' ? tool[type] : undefined
  return (definition as { name?: unknown } | null | undefined)?.name ?? tool['name']
}

function formatOf(format: ResponseFormat | null | undefined): TextFormat {
  if (format?.type === 'json_object') return jsonObject
  if (format?.type !== 'json_schema') return plainText
  const { schema } = format.json_schema
  return schema ? { kind: 'json-schema', schema } : jsonObject
}

function stopOf(stop: ChatRequest['stop']): readonly string[] {
  if (typeof stop === 'string') return [stop]
  return stop ?? noStop
}
