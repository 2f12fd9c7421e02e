import { isRecord } from '../lib/record.ts'
import type { Deployment } from '../config/deployments.ts'
import { contextLengthExceeded } from '../wire/chat/error-context-length.ts'
import { promptFiltered } from '../wire/errors.ts'
import type { Model } from '../wire/models/models.ts'
import { countChatPrompt } from '../wire/chat/prompt-tokens.ts'
import type { ChatRequest } from '../wire/chat/chat-request.ts'
import { parseChatRequest, withoutExtraParameters } from '../wire/chat/validate-chat.ts'
import { countPromptAudio } from '../wire/chat/message-tokens.ts'
import { countTools } from '../wire/chat/tool-tokens.ts'
import { promptFamily } from '../wire/chat/prompt-family.ts'
import { type Addressed, type Exchange, formOf } from '../pipeline/exchange.ts'
import { eventsOfModel, jsonOfModel, modelReply, noRoomReply, refuse } from '../pipeline/reply-headers.ts'
import type { Reply, ServiceFacts } from '../pipeline/reply.ts'
import { type ReplyOrPromise, mapMaybe } from '../pipeline/stage.ts'
import { loadEncoding, type TokenCounter } from '../tokens/encoding.ts'
import {
  chatTask,
  requestedTokens,
  textRandom,
  usesFunctions,
  withForced,
  readableTexts,
} from './completion-task.ts'
import { complete, completeInSlices, mayTakeLong, completionMemory } from './complete.ts'
import { completionSteps, type Completion } from '../answer/completion.ts'
import { refuseUnknownTools } from './choose-tools.ts'
import { chatModerationJson } from '../wire/moderation.ts'
import { judgeContent, type Verdict, filterCompletion, type FilteredCompletion } from './content-filter.ts'
import { planSpoken, speak, spokenSeconds, streamSpoken } from './audio/spoken-answer.ts'
import { countAhead } from './count-ahead.ts'
import { useCache } from './cached-prompt.ts'
import { chooseTier } from './choose-tier.ts'
import { type ServedTier, tierHeader } from '../wire/service-tier.ts'
import type { PromptCache } from './prompt-cache.ts'
import { chatBody } from '../wire/chat/write-chat.ts'
import { olderChatBody, olderChatStream } from '../wire/chat/older-chat.ts'
import { xaiChatBody, xaiChatStream, xaiFacts } from '../wire/chat/write-xai-chat.ts'
import { createHash } from 'node:crypto'
import { chatCompletionId, guid } from '../wire/ids.ts'
import { dataSourcesError, type DataSource } from '../wire/chat/data-sources.ts'
import { dataChatBody, dataChatStream } from '../wire/chat/write-data-chat.ts'
import { retrieve, withReference, type Retrieved } from './on-your-data.ts'
import type { ChatFacts, StreamOptions } from '../wire/chat/chat-chunks.ts'
import { boundedTop, logprobsPieces } from './logprobs.ts'
import { streamChat } from './stream-chat.ts'

/** Answers a chat completion with lorem text, JSON in the requested format, or tool calls. */
export function generateChat(exchange: Addressed, promptCache: PromptCache): ReplyOrPromise {
  const { deployment } = exchange
  const { model } = deployment
  const dropsExtra = exchange.route?.isInference && exchange.headers['extra-parameters'] === 'drop'
  const body = dropsExtra ? withoutExtraParameters(exchange.json) : exchange.json
  const dataError = dataSourcesError(body)
  if (dataError) return refuse(dataError)
  const parsed = parseChatRequest(
    body,
    model,
    exchange.config.apiVersionCheck ? exchange.apiVersion : undefined,
  )
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
  const [source] = request.data_sources ?? noSources
  const retrieved = source && retrieve(source, request.messages, counter, exchange.random)
  const promptTokens = countChatPrompt(request, model, counter) + (retrieved?.tokens ?? 0)
  const requested = requestedTokens(request)
  if (promptTokens + (requested ?? 1) > model.contextTokens) {
    const { contextTokens } = model
    const functionTokens = countTools(request, promptFamily(model), counter)
    const messageTokens = promptTokens - functionTokens
    const lengths = { contextTokens, messageTokens, functionTokens, completionTokens: requested ?? 0 }
    return refuse(contextLengthExceeded(lengths))
  }

  const tier = chooseTier(exchange, deployment, request.service_tier, promptTokens)
  if (typeof tier !== 'string') return refuse(tier)
  const verdict = judgeContent(readableTexts(request), exchange.config, exchange.forced)
  if (verdict.kind === 'prompt') return refuse(promptFiltered(verdict.category))

  const cacheUse = useCache(exchange, deployment, request, promptTokens, promptCache)
  const task = withForced(chatTask(request, promptTokens, cacheUse, formOf(exchange, model).end), exchange)
  const unknownTool = refuseUnknownTools(task)
  if (unknownTool) return refuse(unknownTool)
  const size = {
    choices: task.count,
    tokens: task.requestedTokens && Math.min(task.requestedTokens, model.maxOutputTokens),
    top: request.logprobs && !request.stream ? (request.top_logprobs ?? 0) : undefined,
  }
  if (!exchange.reserve(completionMemory(size))) return noRoomReply()
  const { config } = exchange
  const random = textRandom(exchange, request.seed)
  const reply = (written: Completion): ReplyOrPromise => {
    const filtered = filterCompletion(billed(written, model, request), verdict, request.stream === true)
    return retrieved
      ? dataReply(exchange, model, request, tier, filtered, retrieved)
      : chatReply(exchange, model, request, verdict, tier, filtered)
  }
  return mayTakeLong(task, model)
    ? completeInSlices(task, model, random, config).then(reply)
    : reply(complete(task, model, random, config))
}

function chatReply(
  exchange: Exchange,
  model: Model,
  request: ChatRequest,
  verdict: Verdict,
  tier: ServedTier,
  filtered: FilteredCompletion,
): ReplyOrPromise {
  const isSpoken = request.audio && request.modalities?.includes('audio')
  return isSpoken
    ? spokenReply(exchange, model, request, tier, filtered)
    : writtenReply(exchange, model, request, verdict, tier, filtered)
}

function billed(completion: Completion, model: Model, request: ChatRequest): Completion {
  const audible = heard(completion, model, request)
  return request.prediction ? withPrediction(audible, model, request) : audible
}

/** Longer predictions are estimated at four characters per token, so that counting does not block other requests. */
const MAX_COUNTED_PREDICTION = 200_000

/** Bills a predicted output: its start that equals the answer is accepted, the rest is rejected. */
function withPrediction(completion: Completion, model: Model, { prediction }: ChatRequest): Completion {
  const content = prediction?.content
  if (typeof content !== 'string' && !Array.isArray(content)) return completion
  const text = typeof content === 'string' ? content : content.map(textOfPart).join('')
  const isShort = text.length <= MAX_COUNTED_PREDICTION
  const pieces = isShort ? loadEncoding(model.encoding).pieces(text) : []
  const written = completion.choices[0]?.pieces ?? []
  let accepted = 0
  while (accepted < pieces.length && pieces[accepted] === written[accepted]) accepted++
  const rejected = isShort ? pieces.length - accepted : Math.ceil(text.length / 4)
  const { usage } = completion
  return {
    ...completion,
    usage: {
      ...usage,
      completionTokens: usage.completionTokens + rejected,
      acceptedPredictionTokens: accepted,
      rejectedPredictionTokens: rejected,
    },
  }
}

function textOfPart(part: unknown): string {
  return isRecord(part) && typeof part['text'] === 'string' ? part['text'] : ''
}

/** Adds the audio tokens of the prompt to the usage of a model that hears. */
function heard(completion: Completion, model: Model, { messages }: ChatRequest): Completion {
  if (!model.capabilities.audioInput) return completion
  const promptAudioTokens = countPromptAudio(messages)
  return promptAudioTokens === 0
    ? completion
    : { ...completion, usage: { ...completion.usage, promptAudioTokens } }
}

function writtenReply(
  exchange: Exchange,
  model: Model,
  request: ChatRequest,
  verdict: Verdict,
  tier: ServedTier,
  { completion, found, late }: FilteredCompletion,
): Reply {
  const { usage } = completion
  const steps = completionSteps(completion)
  if (model.provider === 'xai') return xaiReply(exchange, model, request, completion)
  const facts = chatFacts(exchange, model, request, completion, {
    found,
    unjudged: verdict.kind === 'unjudged',
    tier,
  })

  const { removed } = facts.form

  if (!request.stream) {
    const present = chatBody(completion, facts)
    const whole = modelReply(jsonOfModel, removed ? olderChatBody(present, removed) : present, usage, steps)
    whole.serviceTier = tier
    return whole
  }
  const lateResult =
    late && found ? { category: found, promptLength: lengthOf(readableTexts(request)) } : undefined
  const events = streamChat(completion, facts, streamOptionsOf(request), lateResult, exchange.random)
  const body = removed ? olderChatStream(events, removed) : events
  const reply = modelReply(eventsOfModel, body, usage, steps)
  reply.serviceTier = tier
  if (late) reply.unbuffered = true
  return reply
}

const noSources: readonly DataSource[] = []

/** Answers with the documents of a data source. */
function dataReply(
  exchange: Exchange,
  model: Model,
  request: ChatRequest,
  tier: ServedTier,
  { completion }: FilteredCompletion,
  { context }: Retrieved,
): Reply {
  const cited = withReference(completion, loadEncoding(model.encoding))
  const facts = {
    id: guid(exchange.random),
    model: model.name,
    created: Math.floor(exchange.clock.epochMs() / 1000),
    systemFingerprint: fingerprintOf(model),
    context,
  }
  const steps = completionSteps(cited)
  const reply = request.stream
    ? modelReply(eventsOfModel, dataChatStream(cited, facts), cited.usage, steps)
    : modelReply(jsonOfModel, dataChatBody(cited, facts), cited.usage, steps)
  reply.serviceTier = tier
  return reply
}

/** Answers with sound. The text is its transcript. */
async function spokenReply(
  exchange: Exchange,
  model: Model,
  request: ChatRequest,
  tier: ServedTier,
  { completion, found }: FilteredCompletion,
): Promise<Reply> {
  const plans = planSpoken(completion)
  if (!request.audio || !exchange.reserve(spokenSeconds(plans) * SPOKEN_BYTES_PER_SECOND))
    return noRoomReply()
  const createdSeconds = Math.floor(exchange.clock.epochMs() / 1_000)
  const { random } = exchange
  const maxTokens = requestedTokens(request)
  const spoken = await speak(completion, plans, { audio: request.audio, maxTokens, createdSeconds, random })
  const facts = chatFacts(exchange, model, request, spoken, { found, unjudged: false, tier })
  const steps = completionSteps(spoken)
  const options = streamOptionsOf(request)
  const reply = request.stream
    ? modelReply(eventsOfModel, streamSpoken(spoken, facts, options, exchange.random), spoken.usage, steps)
    : modelReply(jsonOfModel, chatBody(spoken, facts), spoken.usage, steps)
  reply.serviceTier = tier
  return reply
}

/** 24 kHz with 16 bits, and base64 of a part. */
const SPOKEN_BYTES_PER_SECOND = 48_000

function streamOptionsOf({ stream_options: options }: ChatRequest): StreamOptions {
  return {
    includeUsage: options?.include_usage === true,
    obfuscate: options?.include_obfuscation !== false,
  }
}

/** An answer that is not streamed has no length, unlike those of OpenAI's models. */
const chunkedJson: ServiceFacts = { ...jsonOfModel, chunked: true }

function xaiReply(exchange: Exchange, model: Model, request: ChatRequest, completion: Completion): Reply {
  const { random, clock } = exchange
  const created = Math.floor(clock.epochMs() / 1_000)
  const facts = xaiFacts(model.versionedName, fingerprintOf(model), created, random)
  const { usage } = completion
  const steps = completionSteps(completion)
  if (!request.stream) return modelReply(chunkedJson, xaiChatBody(completion, facts), usage, steps)
  const includeUsage = request.stream_options?.include_usage === true
  return modelReply(eventsOfModel, xaiChatStream(completion, facts, includeUsage), usage, steps)
}

function lengthOf(texts: Iterable<string>): number {
  let length = 0
  for (const text of texts) length += text.length
  return length
}

/** Collects the values that all objects of an answer share. */
function chatFacts(
  exchange: Exchange,
  model: Model,
  request: ChatRequest,
  completion: Completion,
  { found, unjudged, tier }: Pick<ChatFacts, 'found' | 'unjudged'> & { readonly tier: ServedTier },
): ChatFacts {
  const { chat: form } = formOf(exchange, model)
  return {
    idJson: `"${chatCompletionId(exchange.random)}"`,
    created: Math.floor(exchange.clock.epochMs() / 1000),
    model: model.versionedName,
    systemFingerprint: form.hasFingerprint ? systemFingerprint(model) : null,
    serviceTier: form.hasServiceTier || asksForTier(exchange, request) ? tier : undefined,
    form,
    times: form.checkpoint && exchange,
    usesFunctions: usesFunctions(request),
    logprobs: request.logprobs === true ? logprobsOf(request, completion, exchange) : undefined,
    annotates: true,
    found,
    unjudged: unjudged === true,
    moderation: request.moderation ? chatModerationJson(request.moderation.model, found) : undefined,
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

/** Whether a request names a tier. The answer then has one in all wire profiles. */
function asksForTier({ headers }: Exchange, { service_tier: requested }: ChatRequest): boolean {
  return headers[tierHeader] !== undefined || (requested !== undefined && requested !== null)
}

const fingerprints = new Map<string, string>()

/** Identifies the backend configuration: the same for all answers of a model. Reasoning models have none. */
function systemFingerprint(model: Model): string | null {
  return model.reasoning ? null : fingerprintOf(model)
}

function fingerprintOf(model: Model): string {
  let fingerprint = fingerprints.get(model.name)
  if (fingerprint === undefined) {
    fingerprint = `fp_${createHash('sha256').update(model.name).digest('hex').slice(0, 10)}`
    fingerprints.set(model.name, fingerprint)
  }
  return fingerprint
}
