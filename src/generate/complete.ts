import type { Config } from '../config/config.ts'
import type { Model } from '../openai/models.ts'
import type { Random } from '../platform/random.ts'
import type { Choice, Completion } from './completion.ts'
import { drawCompletionLength } from './completion-length.ts'
import type { CompletionTask } from './completion-task.ts'
import { drawLorem } from './lorem.ts'

/** Carries out a task: the model of generate mode. */
export function complete(task: CompletionTask, model: Model, random: Random, config: Config): Completion {
  const { promptTokens, cachedTokens, requestedTokens } = task
  const maxTokens = Math.min(model.maxOutputTokens, model.contextTokens - promptTokens)
  const choices = Array.from({ length: task.count }, (): Choice => {
    const length = drawCompletionLength(random, requestedTokens, maxTokens, config.completionLength)
    const finishReason = length.cut ? 'length' : 'stop'
    return { pieces: drawLorem(random, length.tokens), toolCalls: [], finishReason }
  })
  const completionTokens = choices.reduce((sum, choice) => sum + billedTokens(choice), 0)
  return { choices, usage: { promptTokens, cachedTokens, completionTokens, reasoningTokens: 0 } }
}

/** Since 2026 the token that ends a text counts too. */
function billedTokens({ pieces, finishReason }: Choice): number {
  return pieces.length + (finishReason === 'stop' ? 1 : 0)
}
