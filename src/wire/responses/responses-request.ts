import { isMessage, type FunctionCallItem, type ResponsesItem } from './responses-item.ts'
import type { Model } from '../models/models.ts'
import type { TokenCounter } from '../../tokens/encoding.ts'
import type { PromptCacheOptions } from '../chat/chat-request.ts'
import { countChatPrompt } from '../chat/prompt-tokens.ts'
import { marksEveryCall, usesChannels } from '../chat/prompt-family.ts'
import { chatRequestOf } from './responses-to-chat.ts'

/** A tool of the request. Other fields belong to tools that the service executes, and are only repeated in the response. */
export interface ResponsesTool {
  /** `function`, `custom`, `namespace`, or a tool that the service executes. */
  readonly type: string
  /** Set for functions, custom tools and namespaces. */
  readonly name?: string
  readonly description?: string | null
  /** JSON schema of a function, from the request. */
  readonly parameters?: Readonly<Record<string, unknown>> | null
  readonly strict?: boolean | null
  /** Any object: `{ type: 'grammar', syntax, definition }` restricts the input of a custom tool. */
  readonly format?: unknown
  /** Whether the model sees the tool only after a tool search. */
  readonly defer_loading?: boolean | null
  /** Functions and custom tools of a namespace. */
  readonly tools?: readonly ResponsesTool[]
}

/** A choice of one tool, or of a subset (`allowed_tools`, with `mode` and `tools`). */
export interface ChosenTool {
  readonly type: string
  readonly name?: string
  readonly mode?: 'auto' | 'required'
  /** Set for tools of an MCP server. */
  readonly server_label?: string
  readonly tools?: readonly (Readonly<Record<string, unknown>> & {
    readonly type: string
    readonly name?: string
  })[]
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

/** An entry of `context_management`: above the threshold, the earlier conversation is replaced by a summary. */
export interface ContextManagement {
  readonly type: 'compaction'
  /** Input tokens. Absent: the context window is used up. */
  readonly compact_threshold?: number | null
}

/** The fields of a valid Responses request that the simulator uses. Null means absent, as on the service. */
export interface ResponsesRequest {
  /** The deployment. */
  readonly model?: unknown
  /** Empty if the request has a stored prompt instead. */
  readonly input: string | readonly ResponsesItem[]
  readonly instructions?: string | null
  readonly previous_response_id?: string | null
  /** A prompt that is stored by the service. The simulator does not have its text. */
  readonly prompt?: Readonly<Record<string, unknown>> | null
  readonly store?: boolean | null
  readonly stream?: boolean | null
  readonly stream_options?: { readonly include_obfuscation?: boolean | null } | null
  readonly background?: boolean | null
  readonly max_output_tokens?: number | null
  readonly max_tool_calls?: number | null
  readonly tools?: readonly ResponsesTool[] | null
  readonly tool_choice?: ResponsesToolChoice | null
  readonly parallel_tool_calls?: boolean | null
  readonly text?: {
    readonly format?: ResponsesTextFormat | null
    readonly verbosity?: 'low' | 'medium' | 'high' | null
  } | null
  readonly reasoning?: {
    readonly effort?: string | null
    readonly summary?: string | null
    /** The older name of `summary`. */
    readonly generate_summary?: string | null
    readonly context?: string | null
    readonly mode?: string | null
  } | null
  readonly metadata?: Readonly<Record<string, string>> | null
  readonly moderation?: { readonly model: string } | null
  readonly context_management?: readonly ContextManagement[] | null
  readonly temperature?: number | null
  readonly top_p?: number | null
  readonly top_logprobs?: number | null
  readonly frequency_penalty?: number | null
  readonly presence_penalty?: number | null
  readonly truncation?: 'auto' | 'disabled' | null
  readonly include?: readonly string[] | null
  readonly prompt_cache_key?: string | null
  readonly prompt_cache_retention?: string | null
  readonly prompt_cache_options?: PromptCacheOptions | null
  readonly safety_identifier?: string | null
  readonly service_tier?: string | null
  readonly user?: string | null
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
  const prompt = countChatPrompt(chatRequestOf(request, items), model, encoding, 'responses')
  const stored = marksEveryCall(model) ? 0 : countStoredCalls(items)
  return prompt + stored + countCompactions(items) + (usesChannels(model) ? countThoughts(items) : 0)
}

/** Counts the summaries of compacted conversations. Their texts are encrypted, so the tokens follow from the length. */
function countCompactions(items: readonly ResponsesItem[]): number {
  let tokens = 0
  for (const item of items) {
    if (!isMessage(item) && item.type === 'compaction') tokens += encryptedTokens(item.encrypted_content)
  }
  return tokens
}

/** A call that is stored at the service keeps the mark of its arguments as JSON: ` <|constrain|>json`. */
const TOKENS_PER_STORED_CALL = 3

/**
 * Counts the marks of stored calls. The id of an item shows that it is stored. Parallel calls do not have the mark (bills of gpt-4o,
 * gpt-4.1 and gpt-5.2, 2025-10 to 2026-07).
 */
function countStoredCalls(items: readonly ResponsesItem[]): number {
  let tokens = 0
  for (let at = 0; at < items.length; at++) {
    const item = items[at]
    if (!isCall(item) || !item.id || isCall(items[at - 1]) || isCall(items[at + 1])) continue
    tokens += TOKENS_PER_STORED_CALL
  }
  return tokens
}

function isCall(item: ResponsesItem | undefined): item is FunctionCallItem {
  return item !== undefined && 'type' in item && item.type === 'function_call'
}

/** The channel of a text before calls, `commentary`, has one token more than that of an answer. */
const COMMENTARY_TOKENS = 1

/** The characters of encrypted content without reasoning. */
const EMPTY_ENCRYPTED_LENGTH = 850
const TOKENS_PER_ENCRYPTED_CHARACTER = 0.14

/** Returns the characters of encrypted content from which a number of reasoning tokens is estimated. 0 without reasoning. */
export function encryptedLength(reasoningTokens: number): number {
  if (reasoningTokens === 0) return 0
  const length = EMPTY_ENCRYPTED_LENGTH + reasoningTokens / TOKENS_PER_ENCRYPTED_CHARACTER
  return BASE64_CHARACTERS * Math.round(length / BASE64_CHARACTERS)
}

function encryptedTokens({ length }: string): number {
  return Math.round(Math.max(0, length - EMPTY_ENCRYPTED_LENGTH) * TOKENS_PER_ENCRYPTED_CHARACTER)
}

/** Base64 has groups of 4 characters. */
const BASE64_CHARACTERS = 4

/**
 * Estimates the reasoning of earlier answers from the length of its encrypted content, for models with channels. Only reasoning after
 * the last message of the user is billed. In bills of gpt-5, gpt-5-mini, gpt-5-nano and gpt-5.5 (2025-10 to 2026-08), the prompt
 * differs from the estimate by 4 % (median), because the length of the text is not proportional to its tokens.
 */
function countThoughts(items: readonly ResponsesItem[]): number {
  let reasoning = 0
  let commentary = 0
  for (const item of items) {
    if (isMessage(item)) {
      if (item.role === 'user') reasoning = 0
      if (item.role === 'assistant' && item.phase === 'commentary') commentary += COMMENTARY_TOKENS
    } else if (item.type === 'reasoning' && item.encrypted_content) {
      reasoning += encryptedTokens(item.encrypted_content)
    }
  }
  return reasoning + commentary
}
