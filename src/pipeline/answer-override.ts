import type { HarmCategory, PromptCategory } from '../wire/content-filters.ts'

/** What a fault, the caller or an extension's hook decides about a generated answer, in the place of chance. */
export interface AnswerOverride {
  /** Tokens of the text of each choice, at least 1; of a given `text` the most. The request's and the model's limits hold. */
  readonly tokens?: number
  /** Why a text ends, whatever its length. */
  readonly finishReason?: 'stop' | 'length'
  /**
   * The text of each choice, in chat completions, legacy completions and responses. No tools are called, and no form that
   * the request asks for is looked at. It is billed for its tokens; the request's limits and stop texts end it.
   */
  readonly text?: string
  /** The model refuses, in these words, where its API knows refusals. */
  readonly refusal?: string
  /** What the content filter finds, whatever the texts say. */
  readonly verdict?: VerdictOverride
}

/** A finding of the content filter: in the prompt, in the answer, or late in a stream. */
export type VerdictOverride =
  | { readonly kind: 'prompt'; readonly category: PromptCategory }
  | { readonly kind: 'completion' | 'late'; readonly category: HarmCategory }
