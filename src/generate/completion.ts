import type { Steps, Usage } from '../pipeline/reply.ts'

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
  readonly toolCalls: readonly ToolCall[]
  readonly finishReason: FinishReason
}

/** What the model has answered, before it takes the form of an API. Every wire form is rendered from this. */
export interface Completion {
  readonly choices: readonly Choice[]
  readonly usage: Usage
}

/** How the answer takes its time: the choices are written side by side, so the longest counts. */
export function completionSteps(completion: Completion): Steps {
  const visible = Math.max(0, ...completion.choices.map(visibleTokens))
  return { hidden: completion.usage.reasoningTokens, visible }
}

/** The tokens of a choice that a client sees, one after the other: its text, then its calls. */
export function visibleTokens({ pieces, toolCalls }: Choice): number {
  return toolCalls.reduce((sum, call) => sum + call.pieces.length, pieces.length)
}
