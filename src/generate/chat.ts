import type { Deployment } from '../config/deployments.ts'
import { contextLengthExceeded } from '../wire/chat/error-context-length.ts'
import { promptFiltered } from '../wire/errors.ts'
import type { Model } from '../wire/models/models.ts'
import { countChatPrompt } from '../wire/chat/prompt-tokens.ts'
import type { ChatRequest } from '../wire/chat/chat-request.ts'
import { parseChatRequest } from '../wire/chat/validate-chat.ts'
import { countTools } from '../wire/chat/tool-tokens.ts'
import type { Addressed, Exchange } from '../pipeline/exchange.ts'
import { eventsOfModel, jsonOfModel, modelReply, noRoomReply, refuse } from '../pipeline/reply-headers.ts'
import type { Reply } from '../pipeline/reply.ts'
import { type ReplyOrPromise, mapMaybe } from '../pipeline/stage.ts'
import { loadEncoding, type TokenCounter } from '../tokens/encoding.ts'
import {
  chatTask,
  requestedTokens,
  usesFunctions,
  withForced,
  promptTexts,
  readableTexts,
} from './completion-task.ts'
import { complete, completeInTurns, mayTakeLong, completionMemory } from './complete.ts'
import { completionSteps, type Completion } from '../answer/completion.ts'
import { judgeContent, type Verdict, filterCompletion } from './content-filter.ts'
import { countAhead } from './count-ahead.ts'
import { MIN_CACHED_PROMPT, type PromptCache } from './prompt-cache.ts'
import { chatBody } from '../wire/chat/write-chat.ts'
import { streamChat } from './stream-chat.ts'
import { createHash } from 'node:crypto'
import type { HarmCategory } from '../wire/content-filters.ts'
import { chatCompletionId } from '../wire/ids.ts'
import type { ChatFacts } from '../wire/chat/chat-chunks.ts'
import { boundedTop, logprobsPieces } from './logprobs.ts'

/** Answers a chat completion: lorem text, JSON of the form that was asked for, or calls of tools. */
export function generateChat(exchange: Addressed, promptCache: PromptCache): ReplyOrPromise {
  const { deployment } = exchange
  const { model } = deployment
  const parsed = parseChatRequest(exchange.json, model)
  if (!parsed.ok) return refuse(parsed.error)
  const { request } = parsed

  const counter = countAhead(exchange, loadEncoding(model.encoding), (collector) => {
    countChatPrompt(request, model, collector)
  })
  return mapMaybe(counter, (known) => answerChat(exchange, deployment, promptCache, request, known))
}

function answerChat(
  exchange: Exchange,
  deployment: Deployment,
  promptCache: PromptCache,
  request: ChatRequest,
  counter: TokenCounter,
): ReplyOrPromise {
  const { model } = deployment
  const promptTokens = countChatPrompt(request, model, counter)
  const requested = requestedTokens(request)
  if (promptTokens + (requested ?? 1) > model.contextTokens) {
    const { contextTokens } = model
    const functionTokens = countTools(request, counter)
    const messageTokens = promptTokens - functionTokens
    const lengths = { contextTokens, messageTokens, functionTokens, completionTokens: requested ?? 0 }
    return refuse(contextLengthExceeded(lengths))
  }

  const verdict = judgeContent(readableTexts(request), exchange.config, exchange.forced)
  if (verdict.kind === 'prompt') return refuse(promptFiltered(verdict.category))

  const cached = cachedTokens(exchange, deployment, request, promptTokens, promptCache)
  const task = withForced(chatTask(request, promptTokens, cached), exchange)
  const size = {
    choices: task.count,
    tokens: task.requestedTokens && Math.min(task.requestedTokens, model.maxOutputTokens),
    top: request.logprobs && !request.stream ? (request.top_logprobs ?? 0) : undefined,
  }
  if (!exchange.reserve(completionMemory(size))) return noRoomReply()
  const { random, config } = exchange
  const reply = (written: Completion): Reply => chatReply(exchange, model, request, verdict, written)
  return mayTakeLong(task, model)
    ? completeInTurns(task, model, random, config).then(reply)
    : reply(complete(task, model, random, config))
}

function chatReply(
  exchange: Exchange,
  model: Model,
  request: ChatRequest,
  verdict: Verdict,
  written: Completion,
): Reply {
  const { completion, found, late } = filterCompletion(written, verdict, request.stream === true)
  const facts = chatFacts(exchange, model, request, completion, found)
  const { usage } = completion
  const steps = completionSteps(completion)

  if (!request.stream) {
    return modelReply(jsonOfModel, chatBody(completion, facts), usage, steps)
  }
  const options = {
    includeUsage: request.stream_options?.include_usage === true,
    obfuscate: request.stream_options?.include_obfuscation !== false,
  }
  const finding =
    late && found ? { category: found, promptLength: lengthOf(readableTexts(request)) } : undefined
  const body = streamChat(completion, facts, options, finding, exchange.random)
  return modelReply(eventsOfModel, body, usage, steps)
}

function cachedTokens(
  exchange: Exchange,
  { name, model }: Deployment,
  request: ChatRequest,
  tokens: number,
  promptCache: PromptCache,
): number {
  if (tokens < MIN_CACHED_PROMPT) return 0
  const encoding = loadEncoding(model.encoding)
  const count = (text: string): number => encoding.count(text)
  const { resource, clock } = exchange
  const prompt = { resource, deployment: name, texts: promptTexts(request), tokens, count }
  return promptCache.use(prompt, clock.nowMs())
}

function lengthOf(texts: Iterable<string>): number {
  let length = 0
  for (const text of texts) length += text.length
  return length
}

/** Gathers what every object of an answer carries. */
function chatFacts(
  exchange: Exchange,
  model: Model,
  request: ChatRequest,
  completion: Completion,
  found: HarmCategory | undefined,
): ChatFacts {
  return {
    idJson: `"${chatCompletionId(exchange.random)}"`,
    created: Math.floor(exchange.clock.epochMs() / 1000),
    model: model.versionedName,
    systemFingerprint: systemFingerprint(model),
    serviceTier: serviceTier(model, request.service_tier),
    usesFunctions: usesFunctions(request),
    logprobs: request.logprobs === true ? logprobsOf(request, completion, exchange) : undefined,
    annotates: true,
    found,
  }
}

function logprobsOf(
  request: ChatRequest,
  completion: Completion,
  { random }: Exchange,
): ChatFacts['logprobs'] {
  const tokens = completionSteps(completion).visible * completion.choices.length
  const options = { top: boundedTop(request.top_logprobs ?? 0, tokens), random: random.fork() }
  return (pieces) => logprobsPieces(pieces, options)
}

/** Models whose answers tell the tier unasked, from a capture of gpt-5.2-chat of April 2026. */
const tellsTier = /^gpt-(5\.[2-9]|[6-9])/

/** The tier as the service gives it back: `auto` becomes the default one, and `fast` has a newer name. */
function serviceTier({ name }: Model, asked: string | null | undefined): string | undefined {
  if (asked === undefined || asked === null) return tellsTier.test(name) ? 'default' : undefined
  if (asked === 'auto') return 'default'
  return asked === 'fast' ? 'priority' : asked
}

const fingerprints = new Map<string, string>()

/** Names the backend's configuration, the same for all answers of a model; reasoning models have none. */
function systemFingerprint(model: Model): string | null {
  if (model.reasoning) return null
  let fingerprint = fingerprints.get(model.name)
  if (fingerprint === undefined) {
    fingerprint = `fp_${createHash('sha256').update(model.name).digest('hex').slice(0, 10)}`
    fingerprints.set(model.name, fingerprint)
  }
  return fingerprint
}
