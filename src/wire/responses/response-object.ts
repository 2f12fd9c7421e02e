import { isRecord } from '../../lib/record.ts'
import { type ResponsesRequest, type ResponsesTextFormat, type ResponsesTool } from './responses-request.ts'
import { totalTokens, type FinishReason, type Usage } from '../../answer/completion.ts'
import { contentFilters } from './response-filters.ts'
import { type HostedOutput, type ToolUsage, toolUsageOf } from './hosted-output.ts'
import { moderationResult } from '../moderation.ts'
import { Decimal } from './write-json.ts'
import type { ResponsesItem } from './responses-item.ts'
import { baseType } from './tool-types.ts'
import type { HarmCategory } from '../content-filters.ts'
import type { Model } from '../models/models.ts'
import type { ResponsesForm } from '../wire-profile.ts'

/** The stage of a response. `ended` includes completed, incomplete and failed responses. */
export type ResponseStage = 'queued' | 'in_progress' | 'ended' | 'cancelled'

/** The values of a response. */
export interface AnsweredResponse {
  readonly id: string
  /** Milliseconds since 1970. */
  readonly createdMs: number
  /** Value of `model`: the name in the request. */
  readonly deployment: string
  readonly model: Pick<Model, 'capabilities'>
  readonly request: ResponsesRequest
  /** Input of the request, with resolved references. */
  readonly items: readonly ResponsesItem[]
  readonly output: readonly (OutputItem | HostedOutput)[]
  readonly finishReason: FinishReason
  /** Harm that the content filter detected in the answer. */
  readonly found?: HarmCategory
  /** Undefined if the source did not report it. */
  readonly usage: Usage | undefined
  /** What its hosted tools used; absent for none. */
  readonly toolUsage?: ToolUsage | undefined
  /** Time at which it ended or will end, in milliseconds since 1970. */
  readonly progress: { readonly endMs: number }
  /** Filter results from a service, or null if it sent none. Absent: results are generated from `found`. */
  readonly filters?: readonly object[] | null
  /** Absent: that of the oldest profile. */
  readonly form?: ResponsesForm
  /** The tier that a service reported. */
  readonly serviceTier?: string
  /** The error of a failed response. */
  readonly error?: { readonly code: string | null; readonly message: string }
}

/** Returns a response in the given stage, with fields in the order of captures of April 2026. */
export function responseObject(record: AnsweredResponse, stage: ResponseStage): object {
  const { request, model, form } = record
  const ended = stage === 'ended'
  const reason = ended && !record.error ? incompleteReason(record) : undefined
  const { error, filters, serviceTier, usage } = record
  const outcome = error ? 'failed' : reason === undefined ? 'completed' : 'incomplete'
  const status = ended ? outcome : stage
  return {
    id: record.id,
    object: 'response',
    created_at: Math.floor(record.createdMs / 1_000),
    status,
    background: request.background === true,
    completed_at: status === 'completed' ? Math.floor(record.progress.endMs / 1_000) : null,
    content_filters: ended ? (filters === undefined ? contentFilters(record) : filters) : null,
    error: ended && error ? { code: error.code, message: error.message } : null,
    frequency_penalty: new Decimal(request.frequency_penalty ?? 0),
    incomplete_details: reason === undefined ? null : { reason },
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    max_tool_calls: request.max_tool_calls ?? null,
    model: record.deployment,
    ...moderationMember(record, ended),
    output: ended ? record.output : [],
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    presence_penalty: new Decimal(request.presence_penalty ?? 0),
    previous_response_id: request.previous_response_id ?? null,
    ...(request.prompt && { prompt: request.prompt }),
    prompt_cache_key: request.prompt_cache_key ?? null,
    prompt_cache_retention: request.prompt_cache_retention ?? form?.cacheRetention ?? null,
    reasoning: reasoningOf(record),
    safety_identifier: request.safety_identifier ?? null,
    service_tier: ended ? (serviceTier ?? tierOf(request)) : 'auto',
    store: request.store ?? true,
    temperature: new Decimal(request.temperature ?? 1),
    text: {
      format: formatOf(request.text?.format),
      verbosity: request.text?.verbosity ?? 'medium',
    },
    tool_choice: request.tool_choice ?? 'auto',
    ...(form?.hasToolUsage && { tool_usage: toolUsageOf((ended && record.toolUsage) || {}) }),
    tools: (request.tools ?? []).map((tool) => echoedTool(tool, form)),
    top_logprobs: request.top_logprobs ?? 0,
    top_p: new Decimal(request.top_p ?? model.capabilities.defaultTopP),
    truncation: request.truncation ?? 'disabled',
    usage: ended && usage ? usageOf(usage, form) : null,
    user: request.user ?? null,
    metadata: request.metadata ?? {},
  }
}

/** Results are sent on request. Otherwise, newer answers have the member with null. */
function moderationMember({ request, form, found }: AnsweredResponse, ended: boolean): object {
  const { moderation } = request
  if (!moderation) return form?.hasModeration ? { moderation: null } : {}
  if (!ended) return { moderation: null }
  const { model } = moderation
  return { moderation: { input: moderationResult(model, undefined), output: moderationResult(model, found) } }
}

function incompleteReason({ finishReason }: AnsweredResponse): string | undefined {
  if (finishReason === 'length') return 'max_output_tokens'
  return finishReason === 'content_filter' ? 'content_filter' : undefined
}

/** Returns `reasoning`. An `auto` context is that of requests without one. */
function reasoningOf({ request, model, form }: AnsweredResponse): object {
  const { effort, context, mode } = request.reasoning ?? {}
  const requested = context === 'auto' ? null : context
  return {
    ...(form?.hasReasoningContext && { context: requested ?? form.reasoningContext }),
    effort: effort ?? model.capabilities.defaultEffort,
    ...(form?.hasReasoningMode && { mode: mode ?? 'standard' }),
    summary: summaryOf(request),
  }
}

/** The service replaces `auto` by `detailed`. */
function summaryOf({ reasoning }: ResponsesRequest): string | null {
  const requested = reasoning?.summary ?? reasoning?.generate_summary ?? null
  return requested === 'auto' ? 'detailed' : requested
}

/** Returns the tier that serves the request. `fast` is an alias of `priority`. */
function tierOf({ service_tier: requested }: ResponsesRequest): string {
  if (requested === 'priority' || requested === 'fast') return 'priority'
  return requested === 'flex' ? 'flex' : 'default'
}

function formatOf(format: ResponsesTextFormat | null | undefined): object {
  if (format?.type !== 'json_schema') return { type: format?.type ?? 'text' }
  const { name, schema, description, strict } = format
  return {
    type: 'json_schema',
    description: description ?? null,
    name,
    schema,
    strict: strict ?? true,
  }
}

function usageOf(usage: Usage, form: ResponsesForm | undefined): object {
  const { promptTokens, cachedTokens, cacheWriteTokens, completionTokens, reasoningTokens } = usage
  return {
    input_tokens: promptTokens,
    input_tokens_details: {
      ...(form?.hasCacheWriteTokens && { cache_write_tokens: cacheWriteTokens ?? 0 }),
      cached_tokens: cachedTokens,
    },
    output_tokens: completionTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens },
    total_tokens: totalTokens(usage),
  }
}

type Members = Readonly<Record<string, unknown>>

/** Default location of a web search. The country is that of the captured resource (April 2026). */
const userLocation = { type: 'approximate', city: null, country: 'US', region: null, timezone: null }

/**
 * Default values of tools by type. `web_search_preview` and `function` are captured. The others are from OpenAI's published
 * specification.
 */
const toolDefaults: Readonly<Record<string, Members>> = {
  function: { description: null, parameters: null, strict: true },
  custom: { description: null, format: { type: 'text' } },
  web_search: { filters: null, search_context_size: 'medium', user_location: userLocation },
  web_search_preview: {
    search_content_types: ['text'],
    search_context_size: 'medium',
    user_location: userLocation,
  },
  file_search: {
    filters: null,
    max_num_results: 20,
    ranking_options: { ranker: 'auto', score_threshold: new Decimal(0) },
  },
  image_generation: {
    background: 'auto',
    model: 'gpt-image-1',
    moderation: 'auto',
    n: 1,
    output_compression: 100,
    output_format: 'png',
    quality: 'auto',
    size: 'auto',
  },
  mcp: { allowed_tools: null, headers: null, require_approval: 'always', server_description: null },
}

/** Returns a tool as in a response: its type, then its other fields in alphabetical order, with default values. */
export function echoedTool({ type, ...sent }: ResponsesTool, form?: ResponsesForm): Members {
  const known = toolDefaults[baseType(type)] ?? {}
  const members: Record<string, unknown> = { ...known }
  if (type === 'function' && form?.hasOutputSchema) members['output_schema'] = null
  for (const [name, value] of Object.entries(sent)) {
    // A response does not contain secrets.
    if (name === 'authorization') continue
    members[name] = name === 'headers' ? redactHeaders(value) : mergeDefaults(members[name], value)
  }
  const sorted = Object.entries(members).sort(([a], [b]) => (a < b ? -1 : 1))
  return { type, ...Object.fromEntries(sorted) }
}

/** Null keeps the default value. Objects are merged recursively. */
function mergeDefaults(known: unknown, value: unknown): unknown {
  if (value === null || value === undefined) return known ?? null
  if (known instanceof Decimal && typeof value === 'number') return new Decimal(value)
  if (!isRecord(known) || !isRecord(value)) return value
  const members: Record<string, unknown> = { ...known }
  for (const [name, member] of Object.entries(value)) members[name] = mergeDefaults(members[name], member)
  return members
}

function redactHeaders(headers: unknown): unknown {
  if (!isRecord(headers)) return null
  return Object.fromEntries(Object.keys(headers).map((name) => [name, '<redacted>']))
}

/** The status of an item. `incomplete` means truncated by the token limit or the content filter. */
export type ItemStatus = 'in_progress' | 'completed' | 'incomplete'

/** The reasoning of the model. Only a summary is visible, if requested. */
export interface ReasoningOutput {
  readonly id: string
  readonly type: 'reasoning'
  /** The visible reasoning. Models of the service have none. */
  readonly content?: readonly []
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

/** The log probability of a token, with its most likely alternatives. */
export interface TokenLogprob {
  readonly bytes: readonly number[]
  readonly logprob: number
  readonly token: string
  readonly top_logprobs: readonly Omit<TokenLogprob, 'top_logprobs'>[]
}

/** The text part of a message. */
export interface OutputText {
  readonly type: 'output_text'
  readonly annotations: readonly unknown[]
  readonly logprobs: readonly unknown[]
  readonly text: string
}

/** The refusal part of a message. */
export interface OutputRefusal {
  readonly type: 'refusal'
  readonly refusal: string
}

/** A call for the client to execute. */
export type CallOutput =
  | {
      readonly id: string
      readonly type: 'function_call'
      readonly status: ItemStatus
      readonly arguments: string
      readonly call_id: string
      readonly name: string
      /** Absent for tools without a namespace. */
      readonly namespace?: string
    }
  | {
      readonly id: string
      readonly type: 'custom_tool_call'
      readonly status: ItemStatus
      readonly call_id: string
      readonly input: string
      readonly name: string
      readonly namespace?: string
    }

/** An item of an answer, with fields in the order of the service. */
export type OutputItem = ReasoningOutput | MessageOutput | CallOutput

/** An item with its visible tokens. Reasoning has none. */
export interface WrittenItem {
  readonly item: OutputItem | HostedOutput
  readonly pieces: readonly string[]
  /** Base64 of the partial images of a stream. */
  readonly partialImages?: readonly string[] | undefined
}

/** Creates a text part. */
export function outputText(
  text: string,
  annotations: readonly unknown[] = [],
  logprobs: readonly unknown[] = [],
): OutputText {
  return { type: 'output_text', annotations, logprobs, text }
}

/** Creates a refusal part. */
export function outputRefusal(refusal: string): OutputRefusal {
  return { type: 'refusal', refusal }
}
