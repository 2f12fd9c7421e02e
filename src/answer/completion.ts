/** Tokens that an answer is billed for. */
export interface Usage {
  readonly promptTokens: number
  /** Part of `promptTokens` that came from the prompt cache. */
  readonly cachedTokens: number
  /** All tokens of the completion, hidden reasoning included. */
  readonly completionTokens: number
  /** Part of `completionTokens` that the client never sees. */
  readonly reasoningTokens: number
  /** Where it is not the sum: some services count the thought on top. */
  readonly totalTokens?: number
  /** Parts of the prompt and of the completion that are sound; default 0. */
  readonly promptAudioTokens?: number
  readonly completionAudioTokens?: number
  /** Tokens of a predicted output that came true or not; default 0. */
  readonly acceptedPredictionTokens?: number
  readonly rejectedPredictionTokens?: number
}

/** The tokens of prompt and completion together. */
export function totalTokens(usage: Usage): number {
  return usage.totalTokens ?? usage.promptTokens + usage.completionTokens
}

/** The work of a model in tokens, as it happens in time. */
export interface Steps {
  /** Tokens that are thought before the first visible one. */
  readonly hidden: number
  /** Tokens that become visible one after the other; of several choices, the longest counts. */
  readonly visible: number
}

/** Why a choice ends. */
export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'function_call' | 'content_filter'

/** A call that the model asks for. */
export interface ToolCall {
  /** `call_` and 24 alphanumerics. */
  readonly id: string
  readonly kind: 'function' | 'custom'
  readonly name: string
  /** The arguments (JSON text; free text for a custom tool), cut into pieces of one token each. */
  readonly pieces: readonly string[]
}

/** One of the answers to a prompt. */
export interface Choice {
  /** The text, cut into pieces of one token each; empty where the answer is tool calls. */
  readonly pieces: readonly string[]
  /** The whole text where it is known to be ASCII that needs no escape in JSON: so that nobody has to look. */
  readonly plainText?: string | undefined
  /** Whether the text is a refusal, which chat and responses carry in a place of its own. */
  readonly refused?: boolean
  readonly toolCalls: readonly ToolCall[]
  readonly finishReason: FinishReason
  /** Tokens of thought that the client never sees, a multiple of 64. */
  readonly reasoningTokens: number
  /**
   * Tokens that are billed and neither thought nor seen: the end of a text, a stop text, the names and the framing of
   * calls.
   */
  readonly overheadTokens: number
  // What follows is known of answers of real services only, and written as it came.
  /** The refusal, where there is a text beside it. */
  readonly refusal?: string
  /** What a client sees of the thought. */
  readonly thought?: string
  /** The thought, which only its service can read. */
  readonly encryptedThought?: string
  /** `content_filter_results`. */
  readonly filter?: unknown
  readonly logprobs?: readonly unknown[]
  readonly annotations?: readonly unknown[]
}

/** What the model has answered, before it takes the form of an API. Every wire form is rendered from this. */
export interface Completion {
  readonly choices: readonly Choice[]
  readonly usage: Usage
  /** Nobody has told the usage, so that none is written; default false. */
  readonly usageUnknown?: boolean
}

/** The whole text of a choice. */
export function wholeText({ plainText, pieces }: Choice): string {
  return plainText ?? pieces.join('')
}

/** A choice's text, or a part of it, as a JSON string. */
export function textJson({ plainText }: Choice, text: string): string {
  return plainText !== undefined ? `"${text}"` : JSON.stringify(text)
}

/** How the answer takes its time: the choices are written side by side, so the longest counts. */
export function completionSteps({ choices }: Completion): Steps {
  let hidden = 0
  let visible = 0
  for (const choice of choices) {
    hidden = Math.max(hidden, hiddenTokens(choice))
    visible = Math.max(visible, visibleTokens(choice))
  }
  return { hidden, visible }
}

/** The tokens of a choice that a client sees, one after the other: its text, then its calls. */
export function visibleTokens({ pieces, toolCalls }: Choice): number {
  let tokens = pieces.length
  for (const call of toolCalls) tokens += call.pieces.length
  return tokens
}

/** The tokens that a choice is billed for. */
export function billedTokens(choice: Choice): number {
  return choice.reasoningTokens + choice.overheadTokens + visibleTokens(choice)
}

/** An answer that ran out of tokens within its thought took the time of all of them. */
function hiddenTokens(choice: Choice): number {
  return visibleTokens(choice) === 0 ? billedTokens(choice) : choice.reasoningTokens
}
