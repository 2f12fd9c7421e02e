import type { Exchange } from '../pipeline/exchange.ts'
import type { ForcedAnswer } from '../pipeline/forced-answer.ts'

/** A tool that the model may call. */
export interface ToolDefinition {
  readonly kind: 'function' | 'custom'
  readonly name: string
  /** JSON schema of a function's arguments, as it came from the client; absent means an empty object. */
  readonly parameters?: unknown
  /** The arguments must fit the schema, so that calls are not made side by side; default false. */
  readonly strict?: boolean
}

/** Whether tools may, must or must not be called; `names` are those that one of must be called. */
export type ToolChoice =
  | { readonly kind: 'none' | 'auto' | 'required' }
  | { readonly kind: 'named'; readonly names: readonly string[] }

/** The form that an answer in text must have. */
export type TextFormat =
  | { readonly kind: 'text' }
  | { readonly kind: 'json-object' }
  | { readonly kind: 'json-schema'; readonly schema: unknown }

/** What a model is asked for, whatever the API that it is asked through. */
export interface CompletionTask {
  readonly promptTokens: number
  /** Part of the prompt that was answered before and costs less. */
  readonly cachedTokens: number
  /** How many choices. */
  readonly count: number
  /** The request's own limit of tokens for each choice, hidden reasoning included; undefined when it has none. */
  readonly requestedTokens: number | undefined
  readonly tools: readonly ToolDefinition[]
  readonly toolChoice: ToolChoice
  readonly parallelToolCalls: boolean
  /** The last message is the result of a tool: the model then answers in text, so that agent loops end. */
  readonly afterToolResult: boolean
  readonly format: TextFormat
  /** Texts that end the answer and are not part of it. */
  readonly stop: readonly string[]
  /** The request's `reasoning_effort`; undefined leaves it to the model. */
  readonly reasoningEffort: string | undefined
  /** What is decided about the answer beforehand; absent for nearly every request. */
  readonly forced?: ForcedAnswer | undefined
}

/** The task of an exchange, with what is decided about its answer beforehand. */
export function withForced(task: CompletionTask, { forced }: Exchange): CompletionTask {
  return forced ? { ...task, forced } : task
}
