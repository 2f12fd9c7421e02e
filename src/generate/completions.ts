import type { Deployment } from '../config/deployments.ts'
import { promptLengthExceeded } from '../wire/chat/error-context-length.ts'
import { promptFiltered, tooManyCompletions, type ServiceError } from '../wire/errors.ts'
import { completionId } from '../wire/ids.ts'
import type { Model } from '../wire/models/models.ts'
import { type CompletionsRequest, parseCompletionsRequest } from '../wire/completions/completions-request.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { eventsOfModel, jsonOfModel, modelReply, noRoomReply, refuse } from '../pipeline/service-reply.ts'
import { bodyInPieces } from '../answer/body.ts'
import { type Reply } from '../pipeline/reply.ts'
import { whenKnown } from '../pipeline/when-known.ts'
import { loadEncoding, type TokenCounter } from '../tokens/encoding.ts'
import { completionSteps, visibleTokens, type Completion } from '../answer/completion.ts'
import { completionMemory } from './completion-memory.ts'
import {
  candidatesPerPrompt,
  choicesPerPrompt,
  completePrompts,
  requestedTokens,
  type PromptCompletions,
} from './completions-choices.ts'
import { legacyLogprobsJson } from './completions-logprobs.ts'
import { readPrompts, type CompletionPrompt } from './completions-prompt.ts'
import { judgeContent, type Verdict } from './content-filter.ts'
import { filterCompletion } from './content-filter-block.ts'
import { countAhead } from './count-ahead.ts'
import { boundedTop } from './logprobs.ts'
import {
  completionPieces,
  renderCompletion,
  type LegacyCompletion,
} from '../wire/completions/write-completion.ts'
import { streamCompletion } from './stream-completion.ts'

/** Rendered in some ten milliseconds, log probabilities included; in tokens. */
const quickTokens = 5_000

/** Answers a legacy completion with lorem text: `n` choices for each prompt. */
export function generateCompletion(exchange: Exchange, deployment: Deployment): Reply | Promise<Reply> {
  const { model } = deployment
  const parsed = parseCompletionsRequest(exchange.json, model)
  if (!parsed.ok) return refuse(parsed.error)
  const { request } = parsed

  const encoding = loadEncoding(model.encoding)
  const counter = countAhead(exchange, encoding, (collector) => {
    readPrompts(request.prompt, encoding, collector)
  })
  return whenKnown(counter, (known) => answerCompletion(exchange, deployment, request, known))
}

function answerCompletion(
  exchange: Exchange,
  { model }: Deployment,
  request: CompletionsRequest,
  counter: TokenCounter,
): Reply | Promise<Reply> {
  const { config } = exchange
  const prompts = readPrompts(request.prompt, loadEncoding(model.encoding), counter)
  const verdict = judgeContent(textsOf(request, prompts), config, exchange.forced)
  if (verdict.kind === 'prompt') return refuse(promptFiltered(verdict.category))
  const tooLong = checkLengths(request, prompts, model)
  if (tooLong) return refuse(tooLong)

  const size = {
    choices: prompts.length * candidatesPerPrompt(request),
    tokens: requestedTokens(request),
    top: request.stream ? undefined : (request.logprobs ?? undefined),
    echoed: request.echo ? exchange.body.length / prompts.length : 0,
  }
  if (!exchange.reserve(completionMemory(size))) return noRoomReply()
  return whenKnown(completePrompts(prompts, request, model, exchange), (written) =>
    completionReply(exchange, model, request, { prompts, verdict, written }),
  )
}

/** What an answer is made of. */
interface AnswerParts {
  readonly prompts: readonly CompletionPrompt[]
  readonly verdict: Verdict
  readonly written: PromptCompletions
}

function completionReply(
  exchange: Exchange,
  model: Model,
  request: CompletionsRequest,
  { prompts, verdict, written: { completion, steps } }: AnswerParts,
): Reply {
  const { random } = exchange
  const streamed = request.stream === true
  const listed = alternatives(request, prompts, completion)
  const answer: LegacyCompletion = {
    ...filterCompletion(completion, verdict, streamed),
    facts: {
      id: completionId(random),
      created: Math.floor(exchange.clock.epochMs() / 1000),
      model: model.versionedName,
    },
    prompts,
    choicesPerPrompt: choicesPerPrompt(request),
    echo: request.echo === true,
    logprobs: listed === undefined ? undefined : (placed) => legacyLogprobsJson(placed, listed, random),
  }
  const { usage } = answer.completion

  if (!streamed) {
    const body =
      usage.completionTokens > quickTokens
        ? bodyInPieces(() => completionPieces(answer))
        : ({ kind: 'whole', render: () => renderCompletion(answer) } as const)
    return modelReply(jsonOfModel, body, usage, steps)
  }
  const body = streamCompletion(answer, request.stream_options?.include_usage === true)
  return modelReply(eventsOfModel, body, usage, completionSteps(answer.completion))
}

function* textsOf(request: CompletionsRequest, prompts: readonly CompletionPrompt[]): Generator<string> {
  for (const prompt of prompts) yield prompt.readText()
  if (request.suffix) yield request.suffix
}

/** How many tokens are listed at each place; undefined where no log probabilities are asked for. */
function alternatives(
  request: CompletionsRequest,
  prompts: readonly CompletionPrompt[],
  { choices }: Completion,
): number | undefined {
  if (typeof request.logprobs !== 'number') return undefined
  let tokens = 0
  for (const choice of choices) tokens += visibleTokens(choice)
  if (request.echo === true) {
    for (const { tokenCount } of prompts) tokens += tokenCount * choicesPerPrompt(request)
  }
  return boundedTop(request.logprobs, tokens)
}

/**
 * Most tokens of prompts that one request gets back with log probabilities. A bound of the simulator's own: it keeps
 * the writing of one answer below a third of a second.
 */
const maxScoredTokens = 131_072

function checkLengths(
  request: CompletionsRequest,
  prompts: readonly CompletionPrompt[],
  model: Model,
): ServiceError | undefined {
  const { contextTokens } = model
  let promptTokens = 0
  let total = 0
  for (const { tokenCount } of prompts) {
    promptTokens = Math.max(promptTokens, tokenCount)
    total += tokenCount
  }
  const completionTokens = requestedTokens(request)
  if (promptTokens + completionTokens > contextTokens) {
    return promptLengthExceeded({ contextTokens, promptTokens, completionTokens })
  }
  const choices = choicesPerPrompt(request)
  const scored = typeof request.logprobs === 'number' && request.echo === true ? total * choices : 0
  if (scored <= maxScoredTokens) return undefined
  const completions = prompts.length * choices
  return tooManyCompletions(completions, Math.floor((maxScoredTokens / scored) * completions))
}
