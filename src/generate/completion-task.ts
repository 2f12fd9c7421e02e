import { createHash } from 'node:crypto'
import type { HostedCall } from '../answer/completion.ts'
import type { BilledEnd } from '../wire/wire-profile.ts'
import type { Exchange, AnswerOverride } from '../pipeline/exchange.ts'
import {
  type ChatRequest,
  type FunctionDefinition,
  type ResponseFormat,
  type Tool,
  callsOf,
} from '../wire/chat/chat-request.ts'
import { chatToolHistory, noCalls, type ToolHistory } from './choose-tools.ts'
import { createRandom, type Random } from '../lib/random.ts'
import type { CacheUse } from './prompt-cache.ts'

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
  /** The request's `verbosity`; undefined has the effect of `medium`. */
  readonly verbosity?: string | undefined
  /** Calls that the client has approved, and the maximum number of hosted calls; absent without hosted tools. */
  readonly hosted?: { readonly approved: readonly HostedCall[]; readonly max: number }
  /** What a text is billed in addition to its tokens. */
  readonly end: BilledEnd
  /** Overrides of the answer; absent for almost all requests. */
  readonly forced?: AnswerOverride | undefined
}

/**
 * Returns the random numbers for the text of an answer. With `seed`, equal requests get equal texts, independent of the seed of the
 * simulator.
 */
export function textRandom({ random, body }: Exchange, seed: number | null | undefined): Random {
  if (seed === undefined || seed === null) return random
  return createRandom(`${seed} ${createHash('sha256').update(body).digest('base64')}`)
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
    verbosity: request.verbosity ?? undefined,
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
