import type { Steps, Usage } from '../pipeline/reply.ts'

/** Why a choice ends. */
export type FinishReason = 'stop' | 'length'

/** One of the answers to a prompt. */
export interface Choice {
  /** The text, cut into pieces of one token each. */
  readonly pieces: readonly string[]
  readonly finishReason: FinishReason
}

/** What the model has answered, before it takes the form of an API. Every wire form is rendered from this. */
export interface Completion {
  readonly choices: readonly Choice[]
  readonly usage: Usage
}

/** How the answer takes its time: the choices are written side by side, so the longest counts. */
export function completionSteps(completion: Completion): Steps {
  const visible = Math.max(...completion.choices.map((choice) => choice.pieces.length))
  return { hidden: completion.usage.reasoningTokens, visible }
}
