import type { ResponsesItem } from './responses-item.ts'
import type { Model } from '../models/models.ts'
import type { TokenCounter } from '../../tokens/encoding.ts'
import { countChatPrompt } from '../chat/prompt-tokens.ts'
import { chatRequestOf } from './responses-to-chat.ts'

/** A tool of the request. Other fields belong to tools that the service executes, and are only repeated in the response. */
export interface ResponsesTool {
  /** `function`, `custom`, or a tool that the service executes. */
  readonly type: string
  /** Set for functions and custom tools. */
  readonly name?: string
  readonly description?: string | null
  /** JSON schema of a function, from the request. */
  readonly parameters?: Readonly<Record<string, unknown>> | null
  readonly strict?: boolean | null
}

/** A choice of one tool, or of a subset (`allowed_tools`, with `mode` and `tools`). */
export interface ChosenTool {
  readonly type: string
  readonly name?: string
  readonly mode?: 'auto' | 'required'
  readonly tools?: readonly Readonly<Record<string, unknown>>[]
}

/** Which tool the model must, can or must not call. */
export type ResponsesToolChoice = 'none' | 'auto' | 'required' | ChosenTool

/** The format of the text of the answer. */
export type ResponsesTextFormat =
  | { readonly type: 'text' }
  | { readonly type: 'json_object' }
  | {
      readonly type: 'json_schema'
      readonly name: string
      readonly schema: Readonly<Record<string, unknown>>
      readonly description?: string | null
      readonly strict?: boolean | null
    }

/** The fields of a valid Responses request that the simulator uses. Null means absent, as on the service. */
export interface ResponsesRequest {
  /** The deployment. */
  readonly model?: unknown
  readonly input: string | readonly ResponsesItem[]
  readonly instructions?: string | null
  readonly previous_response_id?: string | null
  readonly store?: boolean | null
  readonly stream?: boolean | null
  readonly stream_options?: { readonly include_obfuscation?: boolean | null } | null
  readonly background?: boolean | null
  readonly max_output_tokens?: number | null
  readonly max_tool_calls?: number | null
  readonly tools?: readonly ResponsesTool[] | null
  readonly tool_choice?: ResponsesToolChoice | null
  readonly parallel_tool_calls?: boolean | null
  readonly text?: { readonly format?: ResponsesTextFormat | null; readonly verbosity?: string | null } | null
  readonly reasoning?: {
    readonly effort?: string | null
    readonly summary?: string | null
    /** The older name of `summary`. */
    readonly generate_summary?: string | null
  } | null
  readonly metadata?: Readonly<Record<string, string>> | null
  readonly temperature?: number | null
  readonly top_p?: number | null
  readonly top_logprobs?: number | null
  readonly frequency_penalty?: number | null
  readonly presence_penalty?: number | null
  readonly truncation?: 'auto' | 'disabled' | null
  readonly include?: readonly string[] | null
  readonly prompt_cache_key?: string | null
  readonly prompt_cache_retention?: string | null
  readonly safety_identifier?: string | null
  readonly service_tier?: string | null
  readonly user?: string | null
}

/** The properties of a model that its defaults depend on. */
type NamedModel = Pick<Model, 'name' | 'reasoning'>

/**
 * Returns the default reasoning effort, or null for models without reasoning. Captures have `medium` for gpt-5 and gpt-5.2-chat and
 * `none` for gpt-5.4. According to Azure's documentation, the default is `none` from gpt-5.1 on, and pro models only support `high`.
 * From gpt-5.6 on, a chat with tools must disable reasoning, so the default is assumed to be `medium`.
 */
export function defaultEffort({ name, reasoning }: NamedModel): string | null {
  if (!reasoning) return null
  if (name.endsWith('-pro')) return 'high'
  return /^gpt-5\.[1-5](-mini|-nano)?$/.test(name) ? 'none' : 'medium'
}

/** Default of `top_p`: 1 except for two models (captures of April and July 2026). */
export function defaultTopP({ name }: NamedModel): number {
  if (name === 'gpt-5.2-chat') return 0.85
  return name === 'gpt-5.4' ? 0.98 : 1
}

/** Returns whether messages of the model have `phase`: reasoning models from gpt-5.4 on (capture of July 2026). */
export function sendsPhase({ name, reasoning }: NamedModel): boolean {
  return reasoning && /^gpt-(5\.[4-9]|[6-9])/.test(name)
}

/** The fields of a Responses request that its input tokens depend on. */
export type CountedResponsesRequest = Pick<
  ResponsesRequest,
  'input' | 'instructions' | 'tools' | 'tool_choice' | 'parallel_tool_calls' | 'text'
>

/**
 * Counts the billed input tokens of a Responses request: those of the equivalent chat request with `instructions` as the system
 * message. `input` must already contain the items of references and `previous_response_id`.
 */
export function countResponsesInput(
  request: CountedResponsesRequest,
  model: Model,
  encoding: TokenCounter,
): number {
  const { input } = request
  const items = typeof input === 'string' ? [{ role: 'user' as const, content: input }] : input
  return countChatPrompt(chatRequestOf(request, items), model, encoding, 'responses')
}
