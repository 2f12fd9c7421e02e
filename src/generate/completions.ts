import type { MaybePromise } from '../lib/port.ts'
import type { Deployment } from '../config/deployments.ts'
import { promptLengthExceeded } from '../wire/chat/error-context-length.ts'
import { promptFiltered, tooManyCompletions, type ServiceError } from '../wire/errors.ts'
import { completionId } from '../wire/ids.ts'
import type { Model } from '../wire/models/models.ts'
import { type CompletionsRequest, parseCompletionsRequest } from '../wire/completions/completions-request.ts'
import { type Addressed, type Exchange, formOf } from '../pipeline/exchange.ts'
import type { BilledEnd } from '../wire/wire-profile.ts'
import { eventsOfModel, jsonOfModel, modelReply, noRoomReply, refuse } from '../pipeline/reply-headers.ts'
import { bodyInPieces } from '../answer/body.ts'
import type { Reply } from '../pipeline/reply.ts'
import { type ReplyOrPromise, mapMaybe } from '../pipeline/stage.ts'
import { loadEncoding, type TokenCounter, type Encoding } from '../tokens/encoding.ts'
import {
  completionSteps,
  visibleTokens,
  type Completion,
  type Steps,
  type Usage,
  type Choice,
} from '../answer/completion.ts'
import { judgeContent, type Verdict, filterCompletion } from './content-filter.ts'
import { countAhead } from './count-ahead.ts'
import { boundedTop } from './logprobs.ts'
import {
  completionPieces,
  renderCompletion,
  type LegacyCompletion,
  type EchoedPrompt,
} from '../wire/completions/write-completion.ts'
import { legacyLogprobsJson, streamCompletion } from './stream-completion.ts'
import { completionMemory, complete, completeInSlices } from './complete.ts'
import { noCalls } from './choose-tools.ts'
import { textRandom, withForced, type CompletionTask } from './completion-task.ts'
import type { Random } from '../lib/random.ts'
import { noCacheUse } from './prompt-cache.ts'
import { countInput, splitInputs } from '../wire/chat/prompt-tokens.ts'

/**
 * Larger answers are rendered in slices. Rendering this many tokens takes about 10 ms, log probabilities included.
 */
const MAX_SYNC_RENDER_TOKENS = 5_000

/** Answers a legacy completion with lorem text: `n` choices for each prompt. */
export function generateCompletion(exchange: Addressed): ReplyOrPromise {
  const { deployment } = exchange
  const { model } = deployment
  const parsed = parseCompletionsRequest(exchange.json, model)
  if (!parsed.ok) return refuse(parsed.error)
  const { request } = parsed

  const encoding = loadEncoding(model.encoding)
  const counter = countAhead(exchange, encoding, (collector) => {
    readPrompts(request, encoding, collector)
  })
  return mapMaybe(counter, (known) => answerCompletion(exchange, deployment, request, known))
}

function answerCompletion(
  exchange: Exchange,
  { model }: Deployment,
  request: CompletionsRequest,
  counter: TokenCounter,
): ReplyOrPromise {
  const { config } = exchange
  const prompts = readPrompts(request, loadEncoding(model.encoding), counter)
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
  return mapMaybe(completePrompts(prompts, request, model, exchange), (written) =>
    completionReply(exchange, model, request, { prompts, verdict, written }),
  )
}

interface AnswerInput {
  readonly prompts: readonly CompletionPrompt[]
  readonly verdict: Verdict
  readonly written: PromptCompletions
}

function completionReply(
  exchange: Exchange,
  model: Model,
  request: CompletionsRequest,
  { prompts, verdict, written: { completion, steps } }: AnswerInput,
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
    unjudged: verdict.kind === 'unjudged',
    prompts,
    choicesPerPrompt: choicesPerPrompt(request),
    echo: request.echo === true,
    logprobs: listed === undefined ? undefined : (placed) => legacyLogprobsJson(placed, listed, random),
  }
  const { usage } = answer.completion

  if (!streamed) {
    const body =
      usage.completionTokens > MAX_SYNC_RENDER_TOKENS
        ? bodyInPieces(() => completionPieces(answer))
        : ({ kind: 'whole', render: () => renderCompletion(answer) } as const)
    return modelReply(jsonOfModel, body, usage, steps)
  }
  const body = streamCompletion(answer, request.stream_options?.include_usage === true)
  const reply = modelReply(eventsOfModel, body, usage, completionSteps(answer.completion))
  if (answer.late) reply.unbuffered = true
  return reply
}

function* textsOf(request: CompletionsRequest, prompts: readonly CompletionPrompt[]): Generator<string> {
  for (const prompt of prompts) yield prompt.readText()
  if (request.suffix) yield request.suffix
}

/** Returns how many tokens are listed at each position, or undefined without log probabilities. */
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
 * Maximum prompt tokens of one request that are echoed with log probabilities. This limit is the simulator's own: it
 * bounds the rendering of one answer to about 300 ms.
 */
const MAX_SCORED_TOKENS = 131_072

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
  if (scored <= MAX_SCORED_TOKENS) return undefined
  const completions = prompts.length * choices
  return tooManyCompletions(completions, Math.floor((MAX_SCORED_TOKENS / scored) * completions))
}

/** Default of the service. A legacy completion without `max_tokens` is almost always cut. */
const DEFAULT_MAX_TOKENS = 16

function requestedTokens(request: CompletionsRequest): number {
  return request.max_tokens ?? DEFAULT_MAX_TOKENS
}

function choicesPerPrompt(request: CompletionsRequest): number {
  return request.n ?? 1
}

/** The completions of all prompts of a request. */
export interface PromptCompletions {
  /** `n` choices for each prompt, in prompt order. The usage also counts candidates that are not sent. */
  readonly completion: Completion
  /** Generation time of all candidates. They are generated in parallel. */
  readonly steps: Steps
}

/** Returns how many candidates are generated for each prompt. */
function candidatesPerPrompt(request: CompletionsRequest): number {
  const count = choicesPerPrompt(request)
  return Math.max(count, request.best_of ?? count)
}

/** Larger drafts are generated in slices. Drawing this many tokens takes about 10 ms. */
const MAX_SYNC_DRAFT_TOKENS = 100_000
/** Fixed cost of a candidate, in tokens. */
const TOKENS_PER_CANDIDATE = 20

/**
 * Generates `best_of` candidates for each prompt and keeps the first `n`. Yields between prompts if there are many.
 */
function completePrompts(
  prompts: readonly CompletionPrompt[],
  request: CompletionsRequest,
  model: Model,
  exchange: Exchange,
): MaybePromise<PromptCompletions> {
  const candidates = prompts.length * candidatesPerPrompt(request)
  const random = textRandom(exchange, request.seed)
  const mayTakeLong = candidates * (TOKENS_PER_CANDIDATE + requestedTokens(request)) > MAX_SYNC_DRAFT_TOKENS
  return mayTakeLong
    ? completePromptsInSlices(prompts, request, model, exchange, random)
    : sumCompletions(
        prompts.map((prompt) =>
          complete(taskOf(prompt, request, model, exchange), model, random, exchange.config),
        ),
        choicesPerPrompt(request),
      )
}

async function completePromptsInSlices(
  prompts: readonly CompletionPrompt[],
  request: CompletionsRequest,
  model: Model,
  exchange: Exchange,
  random: Random,
): Promise<PromptCompletions> {
  const { config } = exchange
  const written: Completion[] = []
  for (const prompt of prompts) {
    written.push(await completeInSlices(taskOf(prompt, request, model, exchange), model, random, config))
    exchange.signal.throwIfAborted()
  }
  return sumCompletions(written, choicesPerPrompt(request))
}

/** One task per prompt, because each prompt has the whole context window. */
function taskOf(
  { tokenCount }: CompletionPrompt,
  request: CompletionsRequest,
  model: Model,
  exchange: Exchange,
): CompletionTask {
  const { end } = formOf(exchange, model)
  return withForced(promptTask(request, tokenCount, candidatesPerPrompt(request), end), exchange)
}

function sumCompletions(completions: readonly Completion[], count: number): PromptCompletions {
  const choices: Choice[] = []
  let usage: Usage = { promptTokens: 0, cachedTokens: 0, completionTokens: 0, reasoningTokens: 0 }
  let steps: Steps = { hidden: 0, visible: 0 }
  for (const written of completions) {
    choices.push(...written.choices.slice(0, count))
    usage = addUsage(usage, written.usage)
    const { hidden, visible } = completionSteps(written)
    steps = { hidden: Math.max(steps.hidden, hidden), visible: Math.max(steps.visible, visible) }
  }
  return { completion: { choices, usage }, steps }
}

function promptTask(
  request: CompletionsRequest,
  promptTokens: number,
  count: number,
  end: BilledEnd,
): CompletionTask {
  return {
    promptTokens,
    cacheUse: noCacheUse,
    count,
    requestedTokens: requestedTokens(request),
    tools: [],
    toolChoice: { kind: 'none' },
    parallelToolCalls: false,
    history: noCalls,
    format: { kind: 'text' },
    stop: [request.stop ?? []].flat(),
    reasoningEffort: undefined,
    end,
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

/** Prompt that the service uses for a request without a prompt: the start of a document (one token). */
const emptyPrompt = '<|endoftext|>'

/** One prompt of a legacy completion. */
export interface CompletionPrompt extends EchoedPrompt {
  /** Tokens of the prompt and the suffix. */
  readonly tokenCount: number
}

/**
 * Returns the prompts of a request. A request without a prompt has one empty prompt. The suffix counts for each prompt.
 *
 * @param counter must return the same counts as `encoding`
 */
export function readPrompts(
  { prompt: input, suffix }: Pick<CompletionsRequest, 'prompt' | 'suffix'>,
  encoding: Encoding,
  counter: TokenCounter = encoding,
): readonly CompletionPrompt[] {
  const suffixTokens = suffix ? counter.count(suffix) : 0
  return splitInputs(input ?? emptyPrompt).map((prompt) =>
    createPrompt(prompt, suffixTokens, encoding, counter),
  )
}

function createPrompt(
  prompt: string | readonly number[],
  suffixTokens: number,
  encoding: Encoding,
  counter: TokenCounter,
): CompletionPrompt {
  if (prompt === emptyPrompt) {
    return { tokenCount: 1 + suffixTokens, readText: () => emptyPrompt, readTokens: () => [emptyPrompt] }
  }
  const isText = typeof prompt === 'string'
  return {
    tokenCount: countInput(prompt, counter) + suffixTokens,
    readText: () => (isText ? prompt : encoding.decode(prompt)),
    readTokens: () => decodeEach(isText ? encoding.encode(prompt) : prompt, encoding),
  }
}

/** A character has at most four bytes, so at most four tokens share it. A longer sequence is not valid UTF-8. */
const MAX_TOKENS_OF_CHARACTER = 4

function decodeEach(tokens: readonly number[], encoding: Encoding): string[] {
  let pending: number[] = []
  return tokens.map((token, index) => {
    pending.push(token)
    const text = encoding.decode(pending)
    const unfinished = text.endsWith('\uFFFD') && index < tokens.length - 1
    if (unfinished && pending.length < MAX_TOKENS_OF_CHARACTER) return ''
    pending = []
    return text
  })
}
