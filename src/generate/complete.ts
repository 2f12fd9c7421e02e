import type { ResourceConfig } from '../config/config.ts'
import type { Model } from '../wire/models/models.ts'
import type { AnswerOverride } from '../pipeline/exchange.ts'
import { lognormal, type Random, standardNormal } from '../lib/random.ts'
import { nextSlice } from '../lib/buffers.ts'
import { loadEncoding } from '../tokens/encoding.ts'
import { billedTokens, type Choice, type Completion } from '../answer/completion.ts'
import type { CompletionTask, ToolDefinition } from './completion-task.ts'
import { drawLorem } from './lorem.ts'
import { chooseTools } from './choose-tools.ts'
import { drawReasoning, type Reasoning } from './reasoning.ts'
import { drawHostedCalls, drawJsonAnswer, drawToolCalls } from './tool-calls.ts'
import { boundedTop } from './logprobs.ts'

/** Generates the answer to a task. This is the model of generate mode. */
export function complete(
  task: CompletionTask,
  model: Model,
  random: Random,
  config: ResourceConfig,
): Completion {
  const choices: Choice[] = []
  while (choices.length < task.count) choices.push(completeChoice(task, model, random, config))
  return withUsage(choices, task)
}

/**
 * Same result as `complete`, but yields to the event loop after each choice. A schema can take tens of milliseconds
 * per choice, and a request can ask for 128 choices or for millions of tokens.
 */
export async function completeInSlices(
  task: CompletionTask,
  model: Model,
  random: Random,
  config: ResourceConfig,
): Promise<Completion> {
  const choices: Choice[] = []
  while (choices.length < task.count) {
    choices.push(completeChoice(task, model, random, config))
    await nextSlice()
  }
  return withUsage(choices, task)
}

/** Larger tasks are generated in slices. Drawing this many tokens takes about 10 ms. */
const MAX_SYNC_TOKENS = 100_000

/** Whether a task can take so long that it needs `completeInSlices`. */
export function mayTakeLong(task: CompletionTask, model: Model): boolean {
  const { count, tools, format, requestedTokens = model.maxOutputTokens } = task
  return (
    count > 1 && (tools.length > 0 || format.kind !== 'text' || count * requestedTokens > MAX_SYNC_TOKENS)
  )
}

function withUsage(choices: readonly Choice[], task: CompletionTask): Completion {
  const { cacheUse } = task
  let { promptTokens } = task
  let completionTokens = 0
  let reasoningTokens = 0
  for (const choice of choices) {
    completionTokens += billedTokens(choice)
    reasoningTokens += choice.reasoningTokens
    // The model reads the results of its hosted calls.
    for (const { resultTokens } of choice.hosted ?? emptyList) promptTokens += resultTokens
  }
  const { read: cachedTokens, written: cacheWriteTokens } = cacheUse
  const usage = { promptTokens, cachedTokens, completionTokens, reasoningTokens }
  return { choices, usage: cacheWriteTokens === 0 ? usage : { ...usage, cacheWriteTokens } }
}

function completeChoice(task: CompletionTask, model: Model, random: Random, config: ResourceConfig): Choice {
  const max = Math.max(1, Math.min(model.maxOutputTokens, model.contextTokens - task.promptTokens))
  const limit = Math.min(task.requestedTokens ?? max, max)
  const reasoning = drawReasoning(model, task, limit, random)
  if (reasoning.cut) return answer(reasoning, { finishReason: 'length' })

  const room = limit - reasoning.reasoningTokens - reasoning.overheadTokens
  const { forced, end } = task
  const endTokens = reasoning.reasoningTokens > 0 ? end.end : end.end + end.frame
  if (forced?.refusal !== undefined) {
    return {
      ...answer(reasoning, dropEmptyPieces(endText(cutText(forced.refusal, {}, model, room), [], endTokens))),
      refused: true,
    }
  }
  if (forced?.text !== undefined) {
    const text = endText(cutText(forced.text, forced, model, room), task.stop, endTokens)
    return answer(reasoning, dropEmptyPieces(text))
  }
  const draft: Draft = { task, model, brief: reasoning.brief, endTokens, random, config }
  const called = chooseTools(task, random, config)
  return answer(
    reasoning,
    called.length > 0 || task.hosted !== undefined
      ? drawCalls(draft, called, room)
      : drawMessage(draft, room),
  )
}

/** What the part of a choice after the reasoning depends on. */
interface Draft {
  readonly task: CompletionTask
  readonly model: Model
  /** As in `Reasoning`. */
  readonly brief: boolean
  /** Billed for the end of a text. */
  readonly endTokens: number
  readonly random: Random
  readonly config: ResourceConfig
}

/** Draws calls. After hosted calls that the service executes, a text follows. */
function drawCalls(draft: Draft, called: readonly ToolDefinition[], room: number): VisibleAnswer {
  const { task, model, random } = draft
  const { calls, hiddenTokens, tokens, clientTools, cut } = drawHostedCalls(called, task, random, room)
  const hosted = calls.length === 0 ? {} : { hosted: calls }
  const left = room - tokens
  const after = (rest: VisibleAnswer): VisibleAnswer => ({
    ...rest,
    ...hosted,
    overheadTokens: hiddenTokens + (rest.overheadTokens ?? 0),
  })
  if (cut) return after({ finishReason: 'length', overheadTokens: left })
  if (clientTools.length > 0) {
    return after(drawToolCalls(clientTools, task, random, loadEncoding(model.encoding), left))
  }
  if (calls.at(-1)?.endsAnswer) return after({ finishReason: 'tool_calls' })
  const citation = calls.map((call) => call.citation ?? '').join('')
  return after(drawMessage(draft, left, citation))
}

/** Draws the text of an answer. A citation is at its end, if there is room for it and the text has no given length. */
function drawMessage(draft: Draft, room: number, citation = ''): VisibleAnswer {
  const { task, model, endTokens, random } = draft
  const { format, forced } = task
  if (format.kind !== 'text') {
    return endText(cutText(drawJsonAnswer(format, random), forced, model, room), task.stop, endTokens)
  }
  const cited =
    citation === '' || forced?.tokens !== undefined ? [] : loadEncoding(model.encoding).pieces(citation)
  if (cited.length === 0 || cited.length >= room - 1) {
    return endText(drawText(draft, room), task.stop, endTokens)
  }
  const { pieces, plainText = '', cut, left } = drawText(draft, room - cited.length)
  const text = { pieces: [...pieces, ...cited], plainText: plainText + citation, cut, left }
  return endText(text, task.stop, endTokens)
}

/** The part of a choice that follows the reasoning. */
type VisibleAnswer = Pick<Choice, 'finishReason'> & Partial<Choice>

function answer(
  reasoning: Reasoning,
  { pieces, plainText, toolCalls, hosted, finishReason, stopSequence, overheadTokens }: VisibleAnswer,
): Choice {
  return {
    pieces: pieces ?? emptyList,
    plainText,
    toolCalls: toolCalls ?? emptyList,
    ...(hosted && { hosted }),
    finishReason,
    ...(stopSequence !== undefined && { stopSequence }),
    reasoningTokens: reasoning.reasoningTokens,
    overheadTokens: reasoning.overheadTokens + (overheadTokens ?? 0),
  }
}

const emptyList: readonly never[] = []

/** A text before stop sequences are applied. */
interface WrittenText {
  readonly pieces: readonly string[]
  /** The whole text, if it is plain ASCII. */
  readonly plainText?: string
  /** The limit cut the text, so its end is missing. */
  readonly cut: boolean
  /** Tokens that the limit leaves after the text. */
  readonly left: number
}

/** Each piece of lorem is one token, so the tokenizer is not needed. */
function drawText({ task, brief, random, config }: Draft, room: number): WrittenText {
  const requested = task.requestedTokens === undefined ? undefined : room
  const drawn = brief
    ? drawBriefLength(random, room)
    : drawCompletionLength(random, requested, room, config.completionLength, task.verbosity)
  const { tokens, cut } = task.forced ? forceLength(drawn, task.forced, room) : drawn
  const { pieces, text } = drawLorem(random, tokens)
  return { pieces, plainText: text, cut, left: Math.max(0, room - tokens) }
}

/** JSON and overridden texts have a fixed length. A limit can cut them, but never makes them longer. */
function cutText(text: string, forced: AnswerOverride | undefined, model: Model, room: number): WrittenText {
  const pieces = loadEncoding(model.encoding).pieces(text)
  const max = Math.min(room, forced ? forcedLimit(forced, pieces.length) : room)
  const cut = pieces.length >= max
  return { pieces: cut ? pieces.slice(0, max) : pieces, cut, left: Math.max(0, room - pieces.length) }
}

/** @param endTokens billed for the end of the text, as far as the limit has room for them */
function endText(
  { pieces, plainText, cut, left }: WrittenText,
  stops: readonly string[],
  endTokens: number,
): VisibleAnswer {
  const stopped = stops.length > 0 ? endAtStop(pieces, stops) : undefined
  if (stopped) {
    const text = plainText === undefined ? undefined : stopped.pieces.join('')
    return {
      pieces: stopped.pieces,
      plainText: text,
      finishReason: 'stop',
      stopSequence: stopped.sequence,
      overheadTokens: stopped.hiddenTokens,
    }
  }
  if (cut) return { pieces, plainText, finishReason: 'length', overheadTokens: 0 }
  return { pieces, plainText, finishReason: 'stop', overheadTokens: Math.min(endTokens, left) }
}

/**
 * Tokens that end within a character have no visible text. They are billed, and the client receives the whole
 * character.
 */
function dropEmptyPieces(text: VisibleAnswer): VisibleAnswer {
  const { pieces = emptyList, overheadTokens = 0 } = text
  const shown = pieces.filter((piece) => piece !== '')
  return { ...text, pieces: shown, overheadTokens: overheadTokens + pieces.length - shown.length }
}

/** A text that ends at a stop sequence. */
export interface StoppedText {
  /** The text before the stop sequence. The last piece can be part of a token. */
  readonly pieces: readonly string[]
  /** Generated tokens that are not sent: those of the stop sequence. */
  readonly hiddenTokens: number
  /** The stop sequence. */
  readonly sequence: string
}

/**
 * Cuts a text at the stop sequence that completes first, even across pieces. If two complete at the same position,
 * the longer one applies. Empty stop sequences are ignored. Returns undefined if none occurs.
 */
export function endAtStop(pieces: readonly string[], stops: readonly string[]): StoppedText | undefined {
  const text = pieces.join('')
  let start = text.length
  let end = Infinity
  let sequence = ''
  for (const stop of stops) {
    const at = stop === '' ? -1 : text.indexOf(stop)
    if (at === -1) continue
    const stopEnd = at + stop.length
    if (stopEnd > end || (stopEnd === end && at >= start)) continue
    start = at
    end = stopEnd
    sequence = stop
  }
  if (end === Infinity) return undefined

  const seen: string[] = []
  let generated = 0
  for (let offset = 0; offset < end; generated++) {
    const piece = pieces[generated] ?? ''
    if (offset < start) seen.push(piece.slice(0, start - offset))
    offset += piece.length
  }
  return { pieces: seen, hiddenTokens: generated - seen.length, sequence }
}

/**
 * Length in tokens of an answer without a limit: a lognormal distribution, fitted by mean and deviation of the
 * logarithm to the conversation trace of Azure's LLM inference dataset of 2023 (median 151, 90 % below 456).
 */
const NATURAL_LOG_MEAN = 5.02
const NATURAL_LOG_DEVIATION = 0.86

/** Length in tokens, and whether the limit cuts the text. */
export interface CompletionLength {
  readonly tokens: number
  readonly cut: boolean
}

/** How much shorter or longer an answer of this `verbosity` is than one without (an assumption). */
function lengthFactor(verbosity: string | undefined): number {
  if (verbosity === 'low') return 0.5
  return verbosity === 'high' ? 2 : 1
}

/**
 * Draws the length of an answer.
 *
 * @param requested the request's `max_tokens`; undefined without one
 * @param max the limit of the model
 */
function drawCompletionLength(
  random: Random,
  requested: number | undefined,
  max: number,
  policy: ResourceConfig['completionLength'],
  verbosity: string | undefined,
): CompletionLength {
  const limit = Math.min(requested ?? max, max)
  if (requested !== undefined && policy === 'exact') return { tokens: limit, cut: true }
  const natural = Math.max(
    1,
    Math.round(
      lengthFactor(verbosity) * Math.exp(NATURAL_LOG_MEAN + NATURAL_LOG_DEVIATION * standardNormal(random)),
    ),
  )
  // A text of exactly the limit is cut before its end.
  return natural < limit ? { tokens: natural, cut: false } : { tokens: limit, cut: true }
}

/** Median tokens of a brief answer. Captured ones have 2 to 18. */
const BRIEF_TOKENS = 8

/** Billed at most in addition to a brief text, for its frame and its end. */
const MAX_END_TOKENS = 4

/** Draws the length of a brief answer, which leaves room for its end. */
function drawBriefLength(random: Random, room: number): CompletionLength {
  const drawn = Math.round(lognormal(BRIEF_TOKENS, NATURAL_LOG_DEVIATION, random))
  return { tokens: Math.max(1, Math.min(drawn, room - MAX_END_TOKENS)), cut: false }
}

/**
 * Applies an override to the length of a text.
 *
 * @param drawn the length without an override
 * @param room tokens that the request and the model leave for the text
 */
function forceLength(drawn: CompletionLength, forced: AnswerOverride, room: number): CompletionLength {
  const { tokens = drawn.tokens, finishReason } = forced
  // The end-of-text token counts as one, so leave room for it.
  if (finishReason === 'stop') return { tokens: Math.max(1, Math.min(tokens, room - 1)), cut: false }
  if (finishReason === 'length') return { tokens: Math.min(tokens, room), cut: true }
  if (forced.tokens === undefined) return drawn
  return tokens < room ? { tokens, cut: false } : { tokens: room, cut: true }
}

/** Maximum tokens of a text with a fixed length. Half of the text if it must end with `length`. */
function forcedLimit({ tokens, finishReason }: AnswerOverride, length: number): number {
  if (finishReason === 'stop') return Infinity
  return tokens ?? (finishReason === 'length' ? Math.max(1, Math.floor(length / 2)) : Infinity)
}

/** A piece is a pointer and a part of the whole text: measured 14 bytes per token. */
const BYTES_PER_TOKEN = 15
const BYTES_PER_CHOICE = 300
/** 90th percentile of an answer without a limit. */
const DEFAULT_TOKENS = 456
/** JSON size of a token's own log probability, and of each listed alternative. */
const BYTES_PER_LOGPROB = 80

/** Size of an answer, for the memory estimate. */
export interface AnswerSize {
  readonly choices: number
  /** Limit of each choice in tokens; undefined without a limit. */
  readonly tokens: number | undefined
  /** Alternatives listed with each token; undefined without log probabilities. */
  readonly top?: number | undefined
  /** Characters of the prompt that each choice repeats; default 0. */
  readonly echoed?: number
}

/** Estimates the memory in bytes that an answer takes until the client has received it. */
export function completionMemory({ choices, tokens = DEFAULT_TOKENS, top, echoed = 0 }: AnswerSize): number {
  const all = choices * tokens
  const logprobs = top === undefined ? 0 : all * BYTES_PER_LOGPROB * (1 + boundedTop(top, all))
  return choices * (BYTES_PER_CHOICE + echoed) + all * BYTES_PER_TOKEN + logprobs
}
