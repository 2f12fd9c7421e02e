import type { Model } from '../openai/models.ts'
import type { CompletionsRequest } from '../openai/requests/completions-request.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import type { Steps, Usage } from '../pipeline/reply.ts'
import { complete } from './complete.ts'
import { completionSteps, type Choice, type Completion } from './completion.ts'
import { withForced, type CompletionTask } from './completion-task.ts'
import type { CompletionPrompt } from './completions-prompt.ts'

/** The service's own default; a legacy completion that asks for nothing is nearly always cut. */
const defaultMaxTokens = 16

/** The tokens that a request asks for in each choice. */
export function requestedTokens(request: CompletionsRequest): number {
  return request.max_tokens ?? defaultMaxTokens
}

/** How many choices each prompt of a request gets. */
export function choicesPerPrompt(request: CompletionsRequest): number {
  return request.n ?? 1
}

/** What the model wrote for the prompts of a request. */
export interface PromptCompletions {
  /** `n` choices for each prompt, prompt by prompt; the usage counts those that are not sent, too. */
  readonly completion: Completion
  /** The time that the writing took: all candidates were written side by side. */
  readonly steps: Steps
}

/** Writes `best_of` candidates for each prompt and keeps the first `n` of them. */
export function completePrompts(
  prompts: readonly CompletionPrompt[],
  request: CompletionsRequest,
  model: Model,
  exchange: Exchange,
): PromptCompletions {
  const { random, config } = exchange
  const kept = choicesPerPrompt(request)
  const count = Math.max(kept, request.best_of ?? kept)
  const choices: Choice[] = []
  let usage: Usage = { promptTokens: 0, cachedTokens: 0, completionTokens: 0, reasoningTokens: 0 }
  let steps: Steps = { hidden: 0, visible: 0 }
  for (const { tokenCount } of prompts) {
    // One task a prompt, since each has the whole context to itself.
    const written = complete(
      withForced(promptTask(request, tokenCount, count), exchange),
      model,
      random,
      config,
    )
    choices.push(...written.choices.slice(0, kept))
    usage = addUsage(usage, written.usage)
    const { hidden, visible } = completionSteps(written)
    steps = { hidden: Math.max(steps.hidden, hidden), visible: Math.max(steps.visible, visible) }
  }
  return { completion: { choices, usage }, steps }
}

function promptTask(request: CompletionsRequest, promptTokens: number, count: number): CompletionTask {
  return {
    promptTokens,
    cachedTokens: 0,
    count,
    requestedTokens: requestedTokens(request),
    tools: [],
    toolChoice: { kind: 'none' },
    parallelToolCalls: false,
    afterToolResult: false,
    format: { kind: 'text' },
    stop: [request.stop ?? []].flat(),
    reasoningEffort: undefined,
  }
}

function addUsage(a: Usage, b: Usage): Usage {
  return {
    promptTokens: a.promptTokens + b.promptTokens,
    cachedTokens: a.cachedTokens + b.cachedTokens,
    completionTokens: a.completionTokens + b.completionTokens,
    reasoningTokens: a.reasoningTokens + b.reasoningTokens,
  }
}
