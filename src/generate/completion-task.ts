import type { Deployment } from '../config/deployments.ts'
import type { Exchange, AnswerOverride } from '../pipeline/exchange.ts'
import {
  type ChatRequest,
  type FunctionDefinition,
  type ResponseFormat,
  type Tool,
  callsOf,
  nameOf,
  type ChatMessage,
  type ContentPart,
} from '../wire/chat/chat-request.ts'
import { chatToolHistory, noCalls, type ToolHistory } from './choose-tools.ts'
import { loadEncoding } from '../tokens/encoding.ts'
import { MIN_CACHED_PROMPT, type PromptCache } from './prompt-cache.ts'

/** A tool that the model may call. */
export interface ToolDefinition {
  readonly kind: 'function' | 'custom'
  readonly name: string
  /** JSON schema of a function's arguments, as sent by the client; absent means an empty object. */
  readonly parameters?: unknown
  /** The arguments must match the schema, so calls are not made in parallel; default false. */
  readonly strict?: boolean
}

/** Whether tools may, must or must not be called. With `names`, one of these must be called. */
export type ToolChoice =
  | { readonly kind: 'none' | 'auto' | 'required' }
  | { readonly kind: 'named'; readonly names: readonly string[] }

/** Output format of a text answer. */
export type TextFormat =
  | { readonly kind: 'text' }
  | { readonly kind: 'json-object' }
  | { readonly kind: 'json-schema'; readonly schema: unknown }

/** The request to the model, independent of the API. */
export interface CompletionTask {
  readonly promptTokens: number
  /** Prompt tokens that are served from the prompt cache. */
  readonly cachedTokens: number
  /** Number of choices. */
  readonly count: number
  /** Token limit of the request for each choice, hidden reasoning included; undefined without one. */
  readonly requestedTokens: number | undefined
  readonly tools: readonly ToolDefinition[]
  readonly toolChoice: ToolChoice
  readonly parallelToolCalls: boolean
  /** The calls since the last message of the user. Their number is limited, so that agent loops end. */
  readonly history: ToolHistory
  readonly format: TextFormat
  /** Stop sequences. */
  readonly stop: readonly string[]
  /** The request's `reasoning_effort`; undefined uses the default of the model. */
  readonly reasoningEffort: string | undefined
  /** Overrides of the answer; absent for almost all requests. */
  readonly forced?: AnswerOverride | undefined
}

/** Adds the answer overrides of an exchange to a task. */
export function withForced(task: CompletionTask, { forced }: Exchange): CompletionTask {
  return forced ? { ...task, forced } : task
}

const noTools: readonly ToolDefinition[] = []
const noStop: readonly string[] = []
const none: ToolChoice = { kind: 'none' }
const auto: ToolChoice = { kind: 'auto' }
const required: ToolChoice = { kind: 'required' }
const plainText: TextFormat = { kind: 'text' }
const jsonObject: TextFormat = { kind: 'json-object' }

/** Token limit of the request for each choice; undefined without one. */
export function requestedTokens(request: ChatRequest): number | undefined {
  return request.max_completion_tokens ?? request.max_tokens ?? undefined
}

/** Whether a request uses `functions`, the older form of `tools`. Its answer must use the same form. */
export function usesFunctions({ tools, functions }: ChatRequest): boolean {
  return (tools?.length ?? 0) === 0 && (functions?.length ?? 0) > 0
}

/**
 * Converts a chat request to a task.
 *
 * @param history the calls since the last message of the user; default: those in the messages
 */
export function chatTask(
  request: ChatRequest,
  promptTokens: number,
  cachedTokens: number,
  history?: ToolHistory,
): CompletionTask {
  const tools = toolsOf(request)
  return {
    promptTokens,
    cachedTokens,
    count: request.n ?? 1,
    requestedTokens: requestedTokens(request),
    tools: tools.length > 0 ? allowedOf(tools, request) : tools,
    toolChoice: tools.length > 0 ? choiceOf(request) : none,
    parallelToolCalls: request.parallel_tool_calls !== false && !usesFunctions(request),
    history: history ?? (tools.length > 0 ? chatToolHistory(request.messages) : noCalls),
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

/** `allowed_tools` hides all other tools from the model. */
function allowedOf(
  tools: readonly ToolDefinition[],
  { tool_choice: choice }: ChatRequest,
): readonly ToolDefinition[] {
  if (typeof choice !== 'object' || choice?.type !== 'allowed_tools') return tools
  const names = new Set(choice.allowed_tools.tools.map(definitionName))
  return tools.filter((tool) => names.has(tool.name))
}

function definitionName({ type, ...tool }: Readonly<Record<string, unknown>>): unknown {
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

/** Characters at each end of an image or file URL that identify it. */
const ADDRESS_LENGTH = 256

/** Yields each text that the model reads in the messages of a request, for the content filter. */
export function* readableTexts({ messages }: ChatRequest): Generator<string> {
  for (const message of messages) {
    const { content } = message
    const { tool_calls: calls, function_call: call } = callsOf(message)
    if (typeof content === 'string') yield content
    else for (const part of content ?? []) if (part.type === 'text') yield part.text
    for (const it of calls ?? []) yield it.type === 'function' ? it.function.arguments : it.custom.input
    if (call) yield call.arguments
  }
}

/** Stores the prompt of a request in the cache. Returns how many of its tokens were cached. */
export function cachedTokens(
  { resource, clock }: Exchange,
  { name, model }: Deployment,
  request: ChatRequest,
  tokens: number,
  promptCache: PromptCache,
): number {
  if (tokens < MIN_CACHED_PROMPT) return 0
  const encoding = loadEncoding(model.encoding)
  const count = (text: string): number => encoding.count(text)
  const prompt = { resource, deployment: name, texts: promptTexts(request), tokens, count }
  return promptCache.use(prompt, clock.nowMs())
}

/**
 * Returns the whole prompt in the order in which the model reads it, for the prompt cache. Tools and the response
 * format are at the start, so a change to them invalidates the whole prefix.
 */
function promptTexts({ messages, tools, functions, response_format: format }: ChatRequest): string[] {
  const texts: string[] = []
  if (tools) texts.push(JSON.stringify(tools))
  if (functions) texts.push(JSON.stringify(functions))
  if (format) texts.push(JSON.stringify(format))
  for (const message of messages) pushMessage(texts, message)
  return texts
}

function pushMessage(texts: string[], message: ChatMessage): void {
  const { role, content } = message
  const { tool_calls: calls, function_call: call } = callsOf(message)
  const name = nameOf(message)
  texts.push(`<${role}>`)
  if (name) texts.push(name)
  if (typeof content === 'string') texts.push(content)
  else for (const part of content ?? []) texts.push(partText(part))
  if (calls) texts.push(JSON.stringify(calls))
  if (call) texts.push(JSON.stringify(call))
}

/** Images and files can have megabytes of data, so only both ends and the length are used. */
function partText(part: ContentPart): string {
  switch (part.type) {
    case 'text':
      return part.text
    case 'refusal':
      return part.refusal
    case 'image_url':
      return shortened(part.image_url.url)
    case 'input_audio':
      return shortened(part.input_audio.data)
    case 'audio':
      return ''
    default:
      return shortened(part.file.file_data ?? part.file.file_id ?? '')
  }
}

function shortened(address: string): string {
  return `${address.slice(0, ADDRESS_LENGTH)}${address.slice(-ADDRESS_LENGTH)}${address.length}`
}
