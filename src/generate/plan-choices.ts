import type { Config } from '../config/config.ts'
import type { Random } from '../platform/random.ts'
import type { Choice } from './completion.ts'
import { drawCompletionLength } from './completion-length.ts'
import { drawLorem } from './lorem.ts'

/** What decides how many choices are written, and how long they are. */
export interface ChoicesPlan {
  readonly count: number
  /** The request's own limit of tokens for each choice, if it has one. */
  readonly requestedTokens: number | undefined
  /** The most that the model writes. */
  readonly maxTokens: number
  readonly lengthPolicy: Config['completionLength']
}

/** Writes the choices of an answer. */
export function planChoices(random: Random, plan: ChoicesPlan): Choice[] {
  return Array.from({ length: plan.count }, () => {
    const length = drawCompletionLength(random, plan.requestedTokens, plan.maxTokens, plan.lengthPolicy)
    return { pieces: drawLorem(random, length.tokens), finishReason: length.cut ? 'length' : 'stop' }
  })
}

/** The tokens that choices are billed: since 2026 the token that ends a text counts too. */
export function billedTokens(choices: readonly Choice[]): number {
  return choices.reduce(
    (sum, { pieces, finishReason }) => sum + pieces.length + (finishReason === 'stop' ? 1 : 0),
    0,
  )
}
