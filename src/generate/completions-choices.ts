import type { Model } from '../wire/models/models.ts'
import type { CompletionsRequest } from '../wire/completions/completions-request.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import {
  type Steps,
  type Usage,
  completionSteps,
  type Choice,
  type Completion,
} from '../answer/completion.ts'
import { complete, completeInTurns } from './complete.ts'
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

/** How many candidates are written for each prompt. */
export function candidatesPerPrompt(request: CompletionsRequest): number {
  const kept = choicesPerPrompt(request)
  return Math.max(kept, request.best_of ?? kept)
}

/** Drawn in some ten milliseconds. */
const quickTokens = 100_000
/** A candidate takes as long as so many tokens, however short it is. */
const tokensPerCandidate = 20

/** Writes `best_of` candidates for each prompt and keeps the first `n` of them; many of them with others in between. */
export function completePrompts(
  prompts: readonly CompletionPrompt[],
  request: CompletionsRequest,
  model: Model,
  exchange: Exchange,
): PromptCompletions | Promise<PromptCompletions> {
  const candidates = prompts.length * candidatesPerPrompt(request)
  const mayTakeLong = candidates * (tokensPerCandidate + requestedTokens(request)) > quickTokens
  return mayTakeLong
    ? completeInSlices(prompts, request, model, exchange)
    : addUp(
        prompts.map((prompt) =>
          complete(taskOf(prompt, request, exchange), model, exchange.random, exchange.config),
        ),
        choicesPerPrompt(request),
      )
}

async function completeInSlices(
  prompts: readonly CompletionPrompt[],
  request: CompletionsRequest,
  model: Model,
  exchange: Exchange,
): Promise<PromptCompletions> {
  const { random, config } = exchange
  const written: Completion[] = []
  for (const prompt of prompts) {
    written.push(await completeInTurns(taskOf(prompt, request, exchange), model, random, config))
    exchange.signal.throwIfAborted()
  }
  return addUp(written, choicesPerPrompt(request))
}

/** One task a prompt, since each has the whole context to itself. */
function taskOf(
  { tokenCount }: CompletionPrompt,
  request: CompletionsRequest,
  exchange: Exchange,
): CompletionTask {
  return withForced(promptTask(request, tokenCount, candidatesPerPrompt(request)), exchange)
}

function addUp(completions: readonly Completion[], kept: number): PromptCompletions {
  const choices: Choice[] = []
  let usage: Usage = { promptTokens: 0, cachedTokens: 0, completionTokens: 0, reasoningTokens: 0 }
  let steps: Steps = { hidden: 0, visible: 0 }
  for (const written of completions) {
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
