import { isRecord } from '../../lib/record.ts'
import {
  defaultEffort,
  defaultTopP,
  type ResponsesRequest,
  type ResponsesTextFormat,
  type ResponsesTool,
} from './responses-request.ts'
import { totalTokens, type FinishReason, type Usage } from '../../answer/completion.ts'
import { Decimal } from './write-json.ts'
import { type ResponsesItem, isMessage, type HostedToolItemType } from './responses-item.ts'
import type { HarmCategory } from '../content-filters.ts'
import type { Model } from '../models/models.ts'

/** How far a response is. `ended` is over in whatever way the model ended it. */
export type ResponseStage = 'queued' | 'in_progress' | 'ended' | 'cancelled'

/** What a response is written from. */
export interface AnsweredResponse {
  readonly id: string
  /** Milliseconds since 1970. */
  readonly createdMs: number
  /** The name that the client called the model by, and reads back in `model`. */
  readonly deployment: string
  readonly model: Pick<Model, 'name' | 'reasoning'>
  readonly request: ResponsesRequest
  /** The input of this turn, its references resolved. */
  readonly items: readonly ResponsesItem[]
  readonly output: readonly (OutputItem | HostedOutput)[]
  readonly finishReason: FinishReason
  /** What the content filter found in the answer. */
  readonly found?: HarmCategory
  /** Undefined where nobody has told it. */
  readonly usage: Usage | undefined
  /** When it was over, or will be, in milliseconds since 1970. */
  readonly progress: { readonly endMs: number }
  /** What a service has told of the content filter, null for nothing; absent for what Azure tells of an answer that passes. */
  readonly filters?: readonly object[] | null
  /** Which tier served the request, where a service has told it. */
  readonly serviceTier?: string
  /** Why it has failed. */
  readonly error?: { readonly code: string | null; readonly message: string }
}

/** A response as its stage lets it be seen, its members in the order of captures of April 2026. */
export function responseObject(record: AnsweredResponse, stage: ResponseStage): object {
  const { request, model } = record
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
    output: ended ? record.output : [],
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    presence_penalty: new Decimal(request.presence_penalty ?? 0),
    previous_response_id: request.previous_response_id ?? null,
    prompt_cache_key: request.prompt_cache_key ?? null,
    prompt_cache_retention: request.prompt_cache_retention ?? null,
    reasoning: {
      effort: request.reasoning?.effort ?? defaultEffort(model),
      summary: summaryOf(request),
    },
    safety_identifier: request.safety_identifier ?? null,
    service_tier: ended ? (serviceTier ?? tierOf(request)) : 'auto',
    store: request.store ?? true,
    temperature: new Decimal(request.temperature ?? 1),
    text: {
      format: formatOf(request.text?.format),
      verbosity: request.text?.verbosity ?? 'medium',
    },
    tool_choice: request.tool_choice ?? 'auto',
    tools: (request.tools ?? []).map(echoedTool),
    top_logprobs: request.top_logprobs ?? 0,
    top_p: new Decimal(request.top_p ?? defaultTopP(model)),
    truncation: request.truncation ?? 'disabled',
    usage: ended && usage ? usageOf(usage) : null,
    user: request.user ?? null,
    metadata: request.metadata ?? {},
  }
}

function incompleteReason({ finishReason }: AnsweredResponse): string | undefined {
  if (finishReason === 'length') return 'max_output_tokens'
  return finishReason === 'content_filter' ? 'content_filter' : undefined
}

/** `auto` comes back as the kind of summary that there is. */
function summaryOf({ reasoning }: ResponsesRequest): string | null {
  const asked = reasoning?.summary ?? reasoning?.generate_summary ?? null
  return asked === 'auto' ? 'detailed' : asked
}

/** Which tier served the request; `fast` is an alias. */
function tierOf({ service_tier: asked }: ResponsesRequest): string {
  if (asked === 'priority' || asked === 'fast') return 'priority'
  return asked === 'flex' ? 'flex' : 'default'
}

function formatOf(format: ResponsesTextFormat | null | undefined): object {
  if (format?.type !== 'json_schema') return { type: format?.type ?? 'text' }
  const { name, schema, description, strict } = format
  return {
    type: 'json_schema',
    description: description ?? null,
    name,
    schema,
    strict: strict ?? false,
  }
}

function usageOf(usage: Usage): object {
  const { promptTokens, cachedTokens, completionTokens, reasoningTokens } = usage
  return {
    input_tokens: promptTokens,
    input_tokens_details: { cached_tokens: cachedTokens },
    output_tokens: completionTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens },
    total_tokens: totalTokens(usage),
  }
}

type Members = Readonly<Record<string, unknown>>

/** Where a search is taken to be made from; the country is that of the captured resource (April 2026). */
const userLocation = { type: 'approximate', city: null, country: 'US', region: null, timezone: null }

/**
 * What the service fills in where a request says nothing. `web_search_preview` and `function` are captured; the others
 * follow OpenAI's published specification.
 */
const defaults: Readonly<Record<string, Members>> = {
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

/** A tool as an answer repeats it: its type, then its members in alphabetical order, defaults filled in. */
export function echoedTool({ type, ...given }: ResponsesTool): Members {
  const known = defaults[type.replace(/_20\d\d_\d\d_\d\d$/, '')] ?? {}
  const members: Record<string, unknown> = { ...known }
  for (const [name, value] of Object.entries(given)) {
    // Secrets do not come back.
    if (name === 'authorization') continue
    members[name] = name === 'headers' ? redacted(value) : merged(members[name], value)
  }
  const sorted = Object.entries(members).sort(([a], [b]) => (a < b ? -1 : 1))
  return { type, ...Object.fromEntries(sorted) }
}

/** Null leaves the default; an object fills the default's members in. */
function merged(known: unknown, given: unknown): unknown {
  if (given === null || given === undefined) return known ?? null
  if (known instanceof Decimal && typeof given === 'number') return new Decimal(given)
  if (!isRecord(known) || !isRecord(given)) return given
  const members: Record<string, unknown> = { ...known }
  for (const [name, value] of Object.entries(given)) members[name] = merged(members[name], value)
  return members
}

function redacted(headers: unknown): unknown {
  if (!isRecord(headers)) return null
  return Object.fromEntries(Object.keys(headers).map((name) => [name, '<redacted>']))
}

/**
 * Characters that the service puts around a prompt before it is filtered: 368 were judged of a prompt of 26 (a capture
 * of gpt-5.2-chat, April 2026).
 */
const TEMPLATE_LENGTH = 342

const safe = { filtered: false, severity: 'safe' }
const undetected = { detected: false, filtered: false }

/** What the content filter says of a prompt that passes and of its answer, in the order of a capture of April 2026. */
function contentFilters(record: AnsweredResponse): object[] {
  const { found } = record
  const prompt = {
    jailbreak: undetected,
    hate: safe,
    sexual: safe,
    violence: safe,
    self_harm: safe,
  }
  const grade = (category: HarmCategory) => (category === found ? { filtered: true, severity: 'high' } : safe)
  const completion = {
    hate: grade('hate'),
    sexual: grade('sexual'),
    violence: grade('violence'),
    self_harm: grade('self_harm'),
    protected_material_code: undetected,
    protected_material_text: undetected,
  }
  return [
    filter('prompt', false, prompt, TEMPLATE_LENGTH + promptLength(record)),
    filter('completion', found !== undefined, completion, answerLength(record)),
  ]
}

function filter(source: string, blocked: boolean, results: object, endOffset: number): object {
  return {
    blocked,
    source_type: source,
    content_filter_raw: [],
    content_filter_results: results,
    content_filter_offsets: { start_offset: 0, end_offset: endOffset, check_offset: 0 },
  }
}

function promptLength({ request, items }: AnsweredResponse): number {
  let length = request.instructions?.length ?? 0
  for (const item of items) {
    if (!isMessage(item)) continue
    if (typeof item.content === 'string') length += item.content.length
    else for (const part of item.content) length += 'text' in part ? part.text.length : 0
  }
  return length
}

function answerLength({ output }: AnsweredResponse): number {
  let length = 0
  for (const item of output) {
    if (item.type === 'message') {
      for (const part of item.content) length += ('text' in part ? part.text : part.refusal).length
    } else if (item.type === 'function_call') length += item.arguments.length
    else if (item.type === 'custom_tool_call') length += item.input.length
  }
  return length
}

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
  readonly annotations: readonly unknown[]
  readonly logprobs: readonly unknown[]
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

/** What a tool that the service runs itself has done, as it came from there. */
export interface HostedOutput {
  readonly id: string
  readonly type: HostedToolItemType
}

/** An item of an answer, its members in the order of the service. */
export type OutputItem = ReasoningOutput | MessageOutput | CallOutput

/** An item, and the tokens that it is written in, one after the other; thought has none that a client sees. */
export interface WrittenItem {
  readonly item: OutputItem
  readonly pieces: readonly string[]
}

/** A text as part of a message. */
export function outputText(
  text: string,
  annotations: readonly unknown[] = [],
  logprobs: readonly unknown[] = [],
): OutputText {
  return { type: 'output_text', annotations, logprobs, text }
}

/** A refusal as part of a message. */
export function outputRefusal(refusal: string): OutputRefusal {
  return { type: 'refusal', refusal }
}
