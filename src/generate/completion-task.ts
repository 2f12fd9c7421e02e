import type { HostedCall } from '../answer/completion.ts'
import type { Deployment } from '../config/deployments.ts'
import type { BilledEnd } from '../wire/wire-profile.ts'
import type { Exchange, AnswerOverride } from '../pipeline/exchange.ts'
import type { Model } from '../wire/models/models.ts'
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
import { wireFormOf } from '../wire/wire-profile.ts'
import type { Random } from '../lib/random.ts'
import { loadEncoding } from '../tokens/encoding.ts'
import {
  type CacheRetention,
  type CacheUse,
  MIN_CACHED_PROMPT,
  noCacheUse,
  type PromptCache,
} from './prompt-cache.ts'

/** A tool that the client executes. */
export interface ClientTool {
  readonly kind: 'function' | 'custom'
  readonly name: string
  /** JSON schema of a function's arguments, as sent by the client; absent means an empty object. */
  readonly parameters?: unknown
  /** The arguments must match the schema, so calls are not made in parallel; default false. */
  readonly strict?: boolean
}

/** A tool that the service executes. */
export interface HostedTool {
  readonly kind: 'hosted'
  /** Its type. */
  readonly name: string
  readonly strict?: undefined
  /** Draws a call. `loads` are tools that the answer calls next. */
  draw(random: Random): HostedCall & { readonly loads?: readonly ClientTool[] }
}

/** A tool that the model may call. */
export type ToolDefinition = ClientTool | HostedTool

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
  /** Prompt tokens that are read from the prompt cache and written to it. */
  readonly cacheUse: CacheUse
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
  /** Calls that the client has approved, and the maximum number of hosted calls; absent without hosted tools. */
  readonly hosted?: { readonly approved: readonly HostedCall[]; readonly max: number }
  /** What a text is billed in addition to its tokens. */
  readonly end: BilledEnd
  /** Overrides of the answer; absent for almost all requests. */
  readonly forced?: AnswerOverride | undefined
}

/** Adds the answer overrides of an exchange to a task. */
export function withForced(task: CompletionTask, { forced }: Exchange): CompletionTask {
  return forced ? { ...task, forced } : task
}

const noTools: readonly ClientTool[] = []
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
  cacheUse: CacheUse,
  end: BilledEnd,
  history?: ToolHistory,
): CompletionTask {
  const tools = toolsOf(request)
  return {
    promptTokens,
    cacheUse,
    count: request.n ?? 1,
    requestedTokens: textLimit(request),
    tools: tools.length > 0 ? allowedOf(tools, request) : tools,
    toolChoice: tools.length > 0 ? choiceOf(request) : none,
    parallelToolCalls: request.parallel_tool_calls !== false && !usesFunctions(request),
    history: history ?? (tools.length > 0 ? chatToolHistory(request.messages) : noCalls),
    format: formatOf(request.response_format),
    stop: stopOf(request.stop),
    reasoningEffort: request.reasoning_effort ?? undefined,
    end,
  }
}

/** Share of the tokens of a spoken answer that are text. A token of text takes about four tokens of audio. */
const SPOKEN_TEXT_SHARE = 0.2

/** The limit of a spoken answer includes its audio. */
function textLimit(request: ChatRequest): number | undefined {
  const limit = requestedTokens(request)
  if (limit === undefined || !request.modalities?.includes('audio')) return limit
  return Math.max(1, Math.floor(limit * SPOKEN_TEXT_SHARE))
}

function toolsOf({ tools, functions }: ChatRequest): readonly ClientTool[] {
  if (tools && tools.length > 0) return tools.map(clientToolOf)
  return functions?.map(functionOf) ?? noTools
}

/** Converts a tool of a request. */
export function clientToolOf(tool: Tool): ClientTool {
  return tool.type === 'custom' ? { kind: 'custom', name: tool.custom.name } : functionOf(tool.function)
}

function functionOf({ name, parameters, strict }: FunctionDefinition): ClientTool {
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
  tools: readonly ClientTool[],
  { tool_choice: choice }: ChatRequest,
): readonly ClientTool[] {
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
export function useCache(
  exchange: Exchange,
  deployment: Deployment,
  request: ChatRequest,
  tokens: number,
  promptCache: PromptCache,
): CacheUse {
  if (tokens < MIN_CACHED_PROMPT) return noCacheUse
  const { name, model } = deployment
  const encoding = loadEncoding(model.encoding)
  const count = (text: string): number => encoding.count(text)
  const ends: number[] = []
  const texts = promptTexts(request, ends)
  const isExplicit = model.capabilities.cacheBreakpoints && request.prompt_cache_options?.mode === 'explicit'
  const prompt = {
    resource: exchange.resource,
    deployment: name,
    key: cacheKey(request, model),
    retention: cacheRetention(request, model),
    texts,
    breakpoints: isExplicit ? ends : undefined,
    tokens,
    count,
  }
  const use = promptCache.use(prompt, exchange.clock.nowMs(), reachesCache(exchange, deployment))
  return reportedUse(use, exchange, deployment)
}

/** Removes the written tokens, unless the answers of the deployment report them: pay-as-you-go, gpt-5.6 and later, since August 2026. */
export function reportedUse(use: CacheUse, { config }: Exchange, deployment: Deployment): CacheUse {
  const { model, provisionedThroughputUnits: units, wireProfile = config.wireProfile } = deployment
  const isReported =
    model.capabilities.cacheBreakpoints &&
    units === undefined &&
    wireFormOf(wireProfile, model).chat.hasCacheWriteTokens
  return isReported ? use : { read: use.read, written: 0 }
}

/** The random branch for cache hits, separate from the random numbers of the answer. */
const CACHE_BRANCH = 0x6361_6368

/** Draws whether a request reaches a machine that has its prompt. */
export function reachesCache(
  { random }: Exchange,
  { promptCacheHitProbability: share = 1 }: Deployment,
): boolean {
  return share === 1 || random.branch(CACHE_BRANCH).unit() < share
}

/** Fields of a request that the prompt cache depends on, besides its prompt. */
export interface CacheFields {
  readonly prompt_cache_key?: string | null
  readonly prompt_cache_retention?: string | null
  readonly reasoning_effort?: string | null
  readonly verbosity?: string | null
}

/** Returns how long the prompt of a request is cached. */
export function cacheRetention(
  { prompt_cache_retention: requested }: CacheFields,
  { capabilities: { cacheRetentions } }: Model,
): CacheRetention {
  return (requested ?? cacheRetentions[0] ?? 'in_memory') as CacheRetention
}

/**
 * Returns what must be equal for reuse, besides the prompt. Effort and verbosity count for models with breakpoints (OpenAI, "Prompt
 * cache diagnostics").
 */
export function cacheKey(
  { prompt_cache_key: key, reasoning_effort: effort, verbosity }: CacheFields,
  { capabilities }: Model,
): string {
  const named = key ?? ''
  return capabilities.cacheBreakpoints ? `${named} ${effort ?? ''} ${verbosity ?? ''}` : named
}

/**
 * Returns the whole prompt in the order in which the model reads it, for the prompt cache. Tools and the response
 * format are at the start, so a change to them invalidates the whole prefix.
 *
 * @param ends receives the number of texts up to each explicit breakpoint
 */
function promptTexts(
  { messages, tools, functions, response_format: format }: ChatRequest,
  ends: number[],
): string[] {
  const texts: string[] = []
  if (tools) texts.push(JSON.stringify(tools))
  if (functions) texts.push(JSON.stringify(functions))
  if (format) texts.push(JSON.stringify(format))
  for (const message of messages) pushMessage(texts, message, ends)
  return texts
}

function pushMessage(texts: string[], message: ChatMessage, ends: number[]): void {
  const { role, content } = message
  const { tool_calls: calls, function_call: call } = callsOf(message)
  const name = nameOf(message)
  texts.push(`<${role}>`)
  if (name) texts.push(name)
  if (typeof content === 'string') texts.push(content)
  else {
    for (const part of content ?? []) {
      texts.push(partText(part))
      if ('prompt_cache_breakpoint' in part && part.prompt_cache_breakpoint) ends.push(texts.length)
    }
  }
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
      return shortened(part.image_url.url) + (part.image_url.detail ?? '')
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
