import type { ThinkingBlock } from './thinking-blocks.ts'

/** Tokens that an answer is billed for. */
export interface Usage {
  readonly promptTokens: number
  /** Part of `promptTokens` that came from the prompt cache. */
  readonly cachedTokens: number
  /** Part of `promptTokens` that was written to the prompt cache; default: 0, or the API does not report it. */
  readonly cacheWriteTokens?: number
  /** Part of `cacheWriteTokens` that is stored for an hour; default: 0. Only Anthropic Messages report it. */
  readonly cacheWriteHourTokens?: number
  /** All tokens of the completion, including hidden reasoning. */
  readonly completionTokens: number
  /** Part of `completionTokens` that the client never sees. */
  readonly reasoningTokens: number
  /** Set if it is not the sum. Some services add the reasoning to it. */
  readonly totalTokens?: number
  /** Audio tokens of the prompt and of the completion; default: 0. */
  readonly promptAudioTokens?: number
  readonly completionAudioTokens?: number
  /** Tokens of a predicted output that matched or did not match; default: 0. */
  readonly acceptedPredictionTokens?: number
  readonly rejectedPredictionTokens?: number
}

/** Tokens of prompt and completion. */
export function totalTokens(usage: Usage): number {
  return usage.totalTokens ?? usage.promptTokens + usage.completionTokens
}

/** Number of tokens that determine the duration of an answer. */
export interface Steps {
  /** Reasoning tokens before the first visible one. */
  readonly hidden: number
  /** Visible tokens. Choices are written in parallel, so the longest one counts. */
  readonly visible: number
}

/** Why a choice ends. */
export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'function_call' | 'content_filter'

/** A tool call of the model. */
export interface ToolCall {
  /** `call_` and 24 alphanumerics. */
  readonly id: string
  readonly kind: 'function' | 'custom'
  readonly name: string
  /** The arguments (JSON; free text for a custom tool), in pieces of one token each. */
  readonly pieces: readonly string[]
}

/** A call of a tool that the service executes, or that has its own kind of item in the Responses API. */
export interface HostedCall {
  /** The code or arguments of the call, in pieces of one token each; empty if they are not streamed. */
  readonly pieces: readonly string[]
  /** Billed tokens of the call that are not streamed. */
  readonly hiddenTokens: number
  /** Input tokens of the result, which the model reads before it continues. */
  readonly resultTokens: number
  /** Whether the client executes or approves the call, so that the answer ends with it. */
  readonly endsAnswer: boolean
  /** Text that cites the result at the end of the answer. */
  readonly citation?: string
}

/** The sound of a choice. */
export interface ChoiceAudio {
  /** `audio_` and 32 hexadecimal digits. */
  readonly id: string
  /** Seconds since 1970. */
  readonly expiresAt: number
  /** Number of parts of the data, at least 1. */
  readonly parts: number
  /** Returns a part of the data in base64. All parts together are the base64 text of the file. */
  readonly data: (part: number) => string
}

/** One of the alternative answers to a prompt. */
export interface Choice {
  /** The text in pieces of one token each; empty for tool calls. */
  readonly pieces: readonly string[]
  /** The whole text if it is known to be ASCII without characters that JSON escapes, which makes rendering faster. */
  readonly plainText?: string | undefined
  /** Whether the text is a refusal, for which chat and responses have a separate field. */
  readonly refused?: boolean
  /** The spoken answer. The text is then its transcript. */
  readonly audio?: ChoiceAudio
  readonly toolCalls: readonly ToolCall[]
  /** Calls before the text; absent for none. */
  readonly hosted?: readonly HostedCall[]
  readonly finishReason: FinishReason
  /** Hidden reasoning tokens, a multiple of 64. */
  readonly reasoningTokens: number
  /** Billed tokens that are neither reasoning nor visible: the end of the text, a stop sequence, names and framing of calls. */
  readonly overheadTokens: number
  // The following fields are set only for answers of real services, and are written unchanged.
  /** A refusal in addition to the text. */
  readonly refusal?: string
  /** The visible reasoning. */
  readonly thought?: string
  /** The thinking that clients send back with the next request. Only Anthropic Messages have it. */
  readonly thinkingBlocks?: readonly ThinkingBlock[]
  /** The signature of the reasoning. Only Anthropic Messages have it. */
  readonly thoughtSignature?: string
  /** The stop sequence that ended the text. Only Anthropic Messages report it. */
  readonly stopSequence?: string
  /** The encrypted reasoning, which only the service can read. */
  readonly encryptedThought?: string
  /** `content_filter_results`. */
  readonly filter?: unknown
  readonly logprobs?: readonly unknown[]
  readonly annotations?: readonly unknown[]
  /** What a data source returned. */
  readonly context?: Readonly<Record<string, unknown>>
}

/** The answer of a model, independent of an API. All wire formats are rendered from it. */
export interface Completion {
  readonly choices: readonly Choice[]
  readonly usage: Usage
  /** Whether the usage is unknown and therefore not written; default: false. */
  readonly usageUnknown?: boolean
}

/** The whole text of a choice. */
export function wholeText({ plainText, pieces }: Choice): string {
  return plainText ?? pieces.join('')
}

/** The text of a choice, or a part of it, as a JSON string. */
export function textJson({ plainText }: Choice, text: string): string {
  return plainText !== undefined ? `"${text}"` : JSON.stringify(text)
}

/** The steps of a completion. Choices are written in parallel, so the longest one counts. */
export function completionSteps({ choices }: Completion): Steps {
  let hidden = 0
  let visible = 0
  for (const choice of choices) {
    hidden = Math.max(hidden, hiddenTokens(choice))
    visible = Math.max(visible, visibleTokens(choice))
  }
  return { hidden, visible }
}

/** Visible tokens of a choice: its text, then its calls. */
export function visibleTokens({ pieces, toolCalls, hosted }: Choice): number {
  let tokens = pieces.length
  for (const call of toolCalls) tokens += call.pieces.length
  if (hosted) for (const call of hosted) tokens += call.pieces.length
  return tokens
}

/** The tokens that a choice is billed for. */
export function billedTokens(choice: Choice): number {
  return choice.reasoningTokens + choice.overheadTokens + visibleTokens(choice)
}

/** An answer that reached its token limit during reasoning has only hidden tokens. */
function hiddenTokens(choice: Choice): number {
  return visibleTokens(choice) === 0 ? billedTokens(choice) : choice.reasoningTokens
}
