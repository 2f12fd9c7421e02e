import { type Choice, type Completion, type ToolCall, type Usage } from '../../answer/completion.ts'
import { renderedBody } from '../../answer/body.ts'
import type { Deployment } from '../../config/deployments.ts'
import { parseFields } from '../../lib/record.ts'
import { asksForStream, type Addressed, type AnswerOverride, type Exchange } from '../../pipeline/exchange.ts'
import { eventsOfModel, jsonOfModel, modelReply, noRoomReply, refuse } from '../../pipeline/reply-headers.ts'
import type { Reply } from '../../pipeline/reply.ts'
import { mapMaybe, type ReplyOrPromise } from '../../pipeline/stage.ts'
import { loadEncoding, type TokenCounter } from '../../tokens/encoding.ts'
import type { ServiceError } from '../../wire/errors.ts'
import { alphanumeric } from '../../wire/ids.ts'
import type { MessageFacts, MessageStop } from '../../wire/messages/message-events.ts'
import { invalidMessages, promptTooLong } from '../../wire/messages/messages-errors.ts'
import type { MessagesRequest } from '../../wire/messages/messages-request.ts'
import { inputTokens, promptSegments, tokenRates, totalOf } from '../../wire/messages/prompt-segments.ts'
import { streamMessage } from '../../wire/messages/stream-message.ts'
import {
  parseCountRequest,
  parseMessagesRequest,
  type MessagesContext,
} from '../../wire/messages/validate-messages.ts'
import { messageBody } from '../../wire/messages/write-messages.ts'
import { claudeTraits } from '../../wire/models/claude-traits.ts'
import type { Model } from '../../wire/models/models.ts'
import { refuseUnknownTools } from '../choose-tools.ts'
import { complete, completionMemory } from '../complete.ts'
import { judgeContent } from '../content-filter.ts'
import { countAhead } from '../count-ahead.ts'
import type { PromptCache } from '../prompt-cache.ts'
import { drawThinking, noThinking, type Thinking } from './draw-thinking.ts'
import { messageTask, readableMessageTexts, useMessageCache } from './message-task.ts'

/** Answers a request for a message of a Claude model with lorem text, JSON in the requested format, or tool calls. */
export function generateMessage(exchange: Addressed, promptCache: PromptCache): ReplyOrPromise {
  const { deployment, json } = exchange
  const { model } = deployment
  const parsed = parseMessagesRequest(json, contextOf(exchange, model))
  if (!parsed.ok) return refuse(parsed.error)
  const { request } = parsed
  const counter = countAhead(exchange, loadEncoding(model.encoding), (collector) => {
    promptSegments(request, model, collector)
  })
  return mapMaybe(counter, (known) => answerMessage(exchange, deployment, promptCache, request, known))
}

/** Answers with the estimated tokens of a prompt. */
export function countMessageTokens(exchange: Addressed): ReplyOrPromise {
  const { deployment, json } = exchange
  const { model } = deployment
  const parsed = parseCountRequest(json, contextOf(exchange, model))
  if (!parsed.ok) return refuse(parsed.error)
  const { request } = parsed
  const counter = countAhead(exchange, loadEncoding(model.encoding), (collector) => {
    promptSegments(request, model, collector)
  })
  return mapMaybe(counter, (known) => {
    const tokens = totalOf(promptSegments(request, model, known))
    return modelReply(
      jsonOfModel,
      renderedBody(() => `{"input_tokens":${tokens}}`, true),
    )
  })
}

function contextOf({ headers }: Exchange, model: Model): MessagesContext {
  return {
    model,
    version: headerText(headers['anthropic-version']),
    betas: headerText(headers['anthropic-beta']),
  }
}

function headerText(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' || value === undefined ? value : value.join(',')
}

function answerMessage(
  exchange: Exchange,
  deployment: Deployment,
  promptCache: PromptCache,
  request: MessagesRequest,
  counter: TokenCounter,
): Reply {
  const { model } = deployment
  const { config, random } = exchange
  const segments = promptSegments(request, model, counter)
  const promptTokens = totalOf(segments)
  const tooLong = lengthError(request, model, promptTokens)
  if (tooLong) return refuse(tooLong)
  const verdict = judgeContent(readableMessageTexts(request), config, exchange.forced)
  const cacheUse = useMessageCache(exchange, deployment, request, segments, promptCache)
  const room = Math.min(request.max_tokens, model.contextTokens - promptTokens)
  const thinking = room > 0 ? drawThinking(request, model, promptTokens, room, random) : noThinking
  const { factor, end } = tokenRates(model)
  const textRoom = Math.max(1, Math.floor((room - thinking.tokens - end) / factor))
  const plain = messageTask(request, model, promptTokens, cacheUse, textRoom)
  const forced = inPieces(exchange.forced, factor)
  const task = forced ? { ...plain, forced } : plain
  const unknownTool = refuseUnknownTools(task)
  if (unknownTool) return refuse(invalidMessages(unknownTool.message))
  if (!exchange.reserve(completionMemory({ choices: 1, tokens: textRoom }))) return noRoomReply()
  // The limit of the request already leaves room for the prompt and the thinking.
  const writer = { ...model, contextTokens: Infinity, maxOutputTokens: textRoom }
  const isWritten = room > 0 && !thinking.cut
  const length = request.max_tokens < EXACT_BELOW ? config.completionLength : 'natural'
  const [drawn] = isWritten
    ? complete(task, writer, random, { ...config, completionLength: length }).choices
    : []
  const filtered = filterChoice(drawn ?? cutChoice, verdict.kind, asksForStream(exchange))
  const choice = withCallIds(filtered, exchange)
  const outputTokens = isWritten
    ? Math.min(room, thinking.tokens + textTokens(choice, request, model))
    : Math.max(0, Math.min(room, thinking.tokens))
  const isCut = !isWritten || choice.finishReason === 'length'
  const isFull = !isWritten || (isCut && choice.pieces.length >= textRoom)
  const usage: Usage = {
    promptTokens,
    cachedTokens: cacheUse.read,
    ...(cacheUse.written > 0 && { cacheWriteTokens: cacheUse.written }),
    ...(cacheUse.writtenForHour > 0 && { cacheWriteHourTokens: cacheUse.writtenForHour }),
    completionTokens: isFull ? Math.max(0, room) : outputTokens,
    reasoningTokens: Math.min(thinking.tokens, Math.max(0, room)),
  }
  const isContextFull = isCut && room < request.max_tokens
  return messageReply(exchange, model, { request, thinking, choice, usage, isContextFull })
}

/**
 * Limits from here on say nothing about the length of the answer: `max_tokens` is required, so clients set a large one. COMPLETION_LENGTH
 * applies to smaller ones.
 */
const EXACT_BELOW = 1_024

/** The length of `x-sim-tokens` is one in billed tokens. */
function inPieces(forced: AnswerOverride | undefined, factor: number): AnswerOverride | undefined {
  return forced?.tokens === undefined
    ? forced
    : { ...forced, tokens: Math.max(1, Math.floor(forced.tokens / factor)) }
}

const cutChoice: Choice = {
  pieces: [],
  toolCalls: [],
  finishReason: 'length',
  reasoningTokens: 0,
  overheadTokens: 0,
}

/** Older models refuse a limit that exceeds the context with the prompt; for later ones, it is a reason to stop. */
function lengthError(
  { max_tokens: max }: MessagesRequest,
  model: Model,
  promptTokens: number,
): ServiceError | undefined {
  const { contextTokens } = model
  if (promptTokens > contextTokens) return promptTooLong(promptTokens, contextTokens)
  if (claudeTraits(model).fillsContext || promptTokens + max <= contextTokens) return undefined
  return invalidMessages(
    `input length and \`max_tokens\` exceed context limit: ${promptTokens} + ${max} > ${contextTokens}, decrease input length or \`max_tokens\` and try again`,
  )
}

/** Foundry has no content filter for Claude models. The model itself refuses: before its answer, or in the middle of a stream. */
function filterChoice(choice: Choice, verdict: string, streamed: boolean): Choice {
  if (verdict === 'pass' || verdict === 'unjudged') return choice
  const kept = verdict === 'late' && streamed ? Math.ceil(choice.pieces.length / 2) : 0
  return {
    ...choice,
    pieces: choice.pieces.slice(0, kept),
    plainText: undefined,
    toolCalls: [],
    finishReason: 'content_filter',
  }
}

/** Ids of calls are `toolu_01` and 22 characters. */
function withCallIds(choice: Choice, { random }: Exchange): Choice {
  if (choice.toolCalls.length === 0) return choice
  const toolCalls = choice.toolCalls.map((call) => ({ ...call, id: `toolu_01${alphanumeric(random, 22)}` }))
  return { ...choice, toolCalls }
}

/** Frame of the first call in an answer with a free choice, and of each call (public bills of 2025 and 2026). */
const CALLS_FRAME = 14
const CALL_FRAME = 20

function textTokens(choice: Choice, { tool_choice: tools }: MessagesRequest, model: Model): number {
  const { factor, end } = tokenRates(model)
  const { toolCalls, pieces, overheadTokens } = choice
  if (toolCalls.length === 0) {
    const written = factor * (pieces.length + (choice.finishReason === 'stop' ? overheadTokens : 0))
    return Math.max(1, Math.round(written)) + (choice.finishReason === 'length' ? 0 : end)
  }
  const isForced = tools?.type === 'any' || tools?.type === 'tool'
  let tokens = factor * pieces.length + (isForced ? 0 : CALLS_FRAME)
  for (const call of toolCalls) tokens += callTokens(call, model, factor)
  return Math.round(tokens)
}

function callTokens({ name, pieces }: ToolCall, model: Model, factor: number): number {
  const encoding = loadEncoding(model.encoding)
  const count = (text: string): number => factor * encoding.count(text)
  return CALL_FRAME + count(name) + inputTokens(parseFields(pieces.join('')), count)
}

interface Written {
  readonly request: MessagesRequest
  readonly thinking: Thinking
  readonly choice: Choice
  readonly usage: Usage
  readonly isContextFull: boolean
}

function messageReply(
  exchange: Exchange,
  model: Model,
  { request, thinking, choice: written, usage, isContextFull }: Written,
): Reply {
  const facts: MessageFacts = {
    id: `msg_01${alphanumeric(exchange.random, 22)}`,
    model: model.versionedName,
    inferenceGeo: request.inference_geo ?? 'global',
  }
  const { signature, pieces: thought } = thinking
  const choice: Choice = {
    ...written,
    ...(thought.length > 0 && { thought: thought.join('') }),
    ...(signature !== undefined && { thoughtSignature: signature }),
  }
  const stop = stopOf(choice, isContextFull)
  const { factor } = tokenRates(model)
  const pieces =
    thought.length +
    choice.pieces.length +
    choice.toolCalls.reduce((sum, call) => sum + call.pieces.length, 0)
  const visible = Math.ceil(pieces * factor)
  const steps = { hidden: thought.length > 0 ? 0 : thinking.tokens, visible }
  if (!request.stream) {
    const completion: Completion = { choices: [choice], usage }
    return modelReply(jsonOfModel, messageBody(completion, facts, stop), usage, steps)
  }
  const body = streamMessage({
    choice,
    facts,
    stop,
    usage,
    thought,
    stepOfPiece: (before) => Math.max(0, Math.min(visible - 1, Math.floor(before * factor))),
  })
  const reply = modelReply(eventsOfModel, body, usage, steps)
  reply.unbuffered = true
  return reply
}

function stopOf(
  { finishReason, toolCalls, stopSequence, refused, pieces }: Choice,
  isContextFull: boolean,
): MessageStop {
  if (finishReason === 'content_filter' || refused === true) {
    const explanation = refused === true ? pieces.join('') : null
    return { reason: 'refusal', details: { type: 'refusal', category: null, explanation } }
  }
  if (finishReason === 'length')
    return { reason: isContextFull ? 'model_context_window_exceeded' : 'max_tokens' }
  if (toolCalls.length > 0) return { reason: 'tool_use' }
  return stopSequence === undefined
    ? { reason: 'end_turn' }
    : { reason: 'stop_sequence', sequence: stopSequence }
}
