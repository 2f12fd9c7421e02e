import type { ResponsesItem } from './responses-item.ts'
import type { Model } from '../models/models.ts'
import type { TokenCounter } from '../../tokens/encoding.ts'
import { countChatPrompt } from '../chat/prompt-tokens.ts'
import { chatRequestOf } from './responses-to-chat.ts'

/** A tool of the request. What is not named here belongs to tools that the service runs itself, and is only echoed. */
export interface ResponsesTool {
  /** `function`, `custom`, or a tool of the service's own. */
  readonly type: string
  /** Functions and custom tools have one. */
  readonly name?: string
  readonly description?: string | null
  /** A function's JSON schema, as it came. */
  readonly parameters?: Readonly<Record<string, unknown>> | null
  readonly strict?: boolean | null
}

/** A choice of one tool, or among some (`allowed_tools`, which has `mode` and `tools`). */
export interface ChosenTool {
  readonly type: string
  readonly name?: string
  readonly mode?: 'auto' | 'required'
  readonly tools?: readonly Readonly<Record<string, unknown>>[]
}

/** Which tool the model must, may or must not call. */
export type ResponsesToolChoice = 'none' | 'auto' | 'required' | ChosenTool

/** The form that the answer's text must have. */
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

/** The fields of a valid Responses request that the simulator reads. Null means absent, as on the service. */
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

/** What the defaults of a model depend on. */
type NamedModel = Pick<Model, 'name' | 'reasoning'>

/**
 * How hard a model thinks that is not told: captures show `medium` for gpt-5 and gpt-5.2-chat and `none` for gpt-5.4;
 * Azure's documentation names `none` for models from gpt-5.1 on, and `high` as the only effort of the pro models. From
 * gpt-5.6 on, a chat with tools has to switch thought off, so there it is on. Null for models that do not think.
 */
export function defaultEffort({ name, reasoning }: NamedModel): string | null {
  if (!reasoning) return null
  if (name.endsWith('-pro')) return 'high'
  return /^gpt-5\.[1-5](-mini|-nano)?$/.test(name) ? 'none' : 'medium'
}

/** `top_p` of a request that names none: 1 but for two models, as captured in April and July 2026. */
export function defaultTopP({ name }: NamedModel): number {
  if (name === 'gpt-5.2-chat') return 0.85
  return name === 'gpt-5.4' ? 0.98 : 1
}

/** Whether a model's messages tell in `phase` that they are the answer: from gpt-5.4 on (a capture of July 2026). */
export function tellsPhase({ name, reasoning }: NamedModel): boolean {
  return reasoning && /^gpt-(5\.[4-9]|[6-9])/.test(name)
}

/** What of a Responses request its input tokens depend on. */
export type CountedResponsesRequest = Pick<
  ResponsesRequest,
  'input' | 'instructions' | 'tools' | 'tool_choice' | 'text'
>

/**
 * The input tokens that a Responses request is billed: those of the same chat, `instructions` being its system
 * message. Items that a reference or `previous_response_id` brings in have to be in `input` already.
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
