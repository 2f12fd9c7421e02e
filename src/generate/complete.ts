import type { ResourceConfig } from '../config/config.ts'
import type { Model } from '../wire/models/models.ts'
import type { AnswerOverride } from '../pipeline/exchange.ts'
import { lognormal, type Random, standardNormal } from '../lib/random.ts'
import { nextSlice } from '../lib/buffers.ts'
import { loadEncoding } from '../tokens/encoding.ts'
import { billedTokens, type Choice, type Completion } from '../answer/completion.ts'
import type { CompletionTask } from './completion-task.ts'
import { drawLorem } from './lorem.ts'
import { drawJsonAnswer, drawToolCalls, shouldCallTools } from './tool-calls.ts'
import { boundedTop } from './logprobs.ts'

/** Carries out a task: the model of generate mode. */
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
 * As `complete`, with the same outcome, but others have their turn between the choices: a schema may be made to take
 * tens of milliseconds, and a request may ask for 128 values of it, or for millions of tokens.
 */
export async function completeInTurns(
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

/** Drawn in some ten milliseconds. */
const QUICK_TOKENS = 100_000

/** Whether a task may take so long that it should be carried out by `completeInTurns`. */
export function mayTakeLong(task: CompletionTask, model: Model): boolean {
  const { count, tools, format, requestedTokens = model.maxOutputTokens } = task
  return count > 1 && (tools.length > 0 || format.kind !== 'text' || count * requestedTokens > QUICK_TOKENS)
}

function withUsage(choices: readonly Choice[], { promptTokens, cachedTokens }: CompletionTask): Completion {
  let completionTokens = 0
  let reasoningTokens = 0
  for (const choice of choices) {
    completionTokens += billedTokens(choice)
    reasoningTokens += choice.reasoningTokens
  }
  return { choices, usage: { promptTokens, cachedTokens, completionTokens, reasoningTokens } }
}

function completeChoice(task: CompletionTask, model: Model, random: Random, config: ResourceConfig): Choice {
  const most = Math.max(1, Math.min(model.maxOutputTokens, model.contextTokens - task.promptTokens))
  const limit = Math.min(task.requestedTokens ?? most, most)
  const thought = drawThought(model, task.reasoningEffort, limit, random)
  if (thought.cut) return answer(thought, { finishReason: 'length' })

  const room = limit - thought.reasoningTokens - thought.overheadTokens
  const { forced } = task
  if (forced?.refusal !== undefined) {
    return { ...answer(thought, seen(endText(cutText(forced.refusal, {}, model, room), []))), refused: true }
  }
  if (forced?.text !== undefined) {
    return answer(thought, seen(endText(cutText(forced.text, forced, model, room), task.stop)))
  }
  if (shouldCallTools(task, random, config)) {
    return answer(thought, drawToolCalls(task, random, loadEncoding(model.encoding), room))
  }
  const text =
    task.format.kind === 'text'
      ? drawText(task, room, random, config)
      : cutText(drawJsonAnswer(task.format, random), forced, model, room)
  return answer(thought, endText(text, task.stop))
}

/** What follows a thought. */
type AfterThought = Pick<Choice, 'finishReason'> & Partial<Choice>

function answer(
  thought: Thought,
  { pieces, plainText, toolCalls, finishReason, overheadTokens }: AfterThought,
): Choice {
  return {
    pieces: pieces ?? nothing,
    plainText,
    toolCalls: toolCalls ?? nothing,
    finishReason,
    reasoningTokens: thought.reasoningTokens,
    overheadTokens: thought.overheadTokens + (overheadTokens ?? 0),
  }
}

const nothing: readonly never[] = []

/** A text as the model wrote it, before a stop text ends it. */
interface WrittenText {
  readonly pieces: readonly string[]
  /** The whole text, where it is plain ASCII. */
  readonly plainText?: string
  /** The limit ended it, so that the token that ends a text is missing. */
  readonly cut: boolean
}

/** Lorem has as many tokens as it has pieces, so no tokenizer is asked. */
function drawText(task: CompletionTask, room: number, random: Random, config: ResourceConfig): WrittenText {
  const requested = task.requestedTokens === undefined ? undefined : room
  const drawn = drawCompletionLength(random, requested, room, config.completionLength)
  const { tokens, cut } = task.forced ? forceLength(drawn, task.forced, room) : drawn
  const { pieces, text } = drawLorem(random, tokens)
  return { pieces, plainText: text, cut }
}

/** JSON, and a text that is given, is as long as it is: a limit cuts it, and nothing makes it longer. */
function cutText(text: string, forced: AnswerOverride | undefined, model: Model, room: number): WrittenText {
  const pieces = loadEncoding(model.encoding).pieces(text)
  const most = Math.min(room, forced ? forcedLimit(forced, pieces.length) : room)
  const cut = pieces.length >= most
  return { pieces: cut ? pieces.slice(0, most) : pieces, cut }
}

function endText({ pieces, plainText, cut }: WrittenText, stops: readonly string[]): AfterThought {
  const stopped = stops.length > 0 ? endAtStop(pieces, stops) : undefined
  if (stopped) {
    const left = plainText === undefined ? undefined : stopped.pieces.join('')
    return {
      pieces: stopped.pieces,
      plainText: left,
      finishReason: 'stop',
      overheadTokens: stopped.unseenTokens,
    }
  }
  // Since 2026 the token that ends a text counts too.
  return { pieces, plainText, finishReason: cut ? 'length' : 'stop', overheadTokens: cut ? 0 : 1 }
}

/** Tokens that end within a character show nothing: they are billed, and a client gets the character as a whole. */
function seen(text: AfterThought): AfterThought {
  const { pieces = nothing, overheadTokens = 0 } = text
  const shown = pieces.filter((piece) => piece !== '')
  return { ...text, pieces: shown, overheadTokens: overheadTokens + pieces.length - shown.length }
}

/** A text that ends where a stop text began. */
export interface StoppedText {
  /** What is left to see; its last piece may be part of a token. */
  readonly pieces: readonly string[]
  /** Tokens that were generated and are not seen: those of the stop text. */
  readonly unseenTokens: number
}

/**
 * Ends a text before the stop text that is complete first, even where it lies across pieces. Undefined when none
 * occurs. Of two that end together, the longer one is taken. Empty stop texts end nothing.
 */
export function endAtStop(pieces: readonly string[], stops: readonly string[]): StoppedText | undefined {
  const text = pieces.join('')
  let start = text.length
  let end = Infinity
  for (const stop of stops) {
    const at = stop === '' ? -1 : text.indexOf(stop)
    if (at === -1) continue
    const stopEnd = at + stop.length
    if (stopEnd > end || (stopEnd === end && at >= start)) continue
    start = at
    end = stopEnd
  }
  if (end === Infinity) return undefined

  const seen: string[] = []
  let generated = 0
  for (let offset = 0; offset < end; generated++) {
    const piece = pieces[generated] ?? ''
    if (offset < start) seen.push(piece.slice(0, start - offset))
    offset += piece.length
  }
  return { pieces: seen, unseenTokens: generated - seen.length }
}

/**
 * The length of an answer that ends by itself, in tokens: lognormal, fitted by its logarithm's mean and deviation to
 * the conversation trace of Azure's LLM inference dataset of 2023 (median 151, 90 % below 456).
 */
const NATURAL_LOG_MEAN = 5.02
const NATURAL_LOG_DEVIATION = 0.86

/** A length in tokens, and whether the limit rather than the model ends the text. */
export interface CompletionLength {
  readonly tokens: number
  readonly cut: boolean
}

/**
 * Decides how long an answer is.
 *
 * @param requested the request's `max_tokens`; undefined when it has none
 * @param most the model's own limit
 */
function drawCompletionLength(
  random: Random,
  requested: number | undefined,
  most: number,
  policy: ResourceConfig['completionLength'],
): CompletionLength {
  const limit = Math.min(requested ?? most, most)
  if (requested !== undefined && policy === 'exact') return { tokens: limit, cut: true }
  const natural = Math.max(
    1,
    Math.round(Math.exp(NATURAL_LOG_MEAN + NATURAL_LOG_DEVIATION * standardNormal(random))),
  )
  // The token that ends a text counts as one, so a text of exactly the limit has no room for it.
  return natural < limit ? { tokens: natural, cut: false } : { tokens: limit, cut: true }
}

/**
 * The length of a text of which some is decided beforehand.
 *
 * @param drawn what it would be else
 * @param room tokens that the request and the model leave for it
 */
function forceLength(drawn: CompletionLength, forced: AnswerOverride, room: number): CompletionLength {
  const { tokens = drawn.tokens, finishReason } = forced
  // The token that ends a text counts as one, so a text of exactly the limit has no room for it.
  if (finishReason === 'stop') return { tokens: Math.max(1, Math.min(tokens, room - 1)), cut: false }
  if (finishReason === 'length') return { tokens: Math.min(tokens, room), cut: true }
  if (forced.tokens === undefined) return drawn
  return tokens < room ? { tokens, cut: false } : { tokens: room, cut: true }
}

/** How many tokens of a text that has its own length are written: half of it, where it is to end for its length. */
function forcedLimit({ tokens, finishReason }: AnswerOverride, length: number): number {
  if (finishReason === 'stop') return Infinity
  return tokens ?? (finishReason === 'length' ? Math.max(1, Math.floor(length / 2)) : Infinity)
}

/** A piece of text is a pointer, and a part of the whole text; measured 14 bytes for each token. */
const BYTES_PER_TOKEN = 15
const BYTES_PER_CHOICE = 300
/** Tokens of an answer that ends by itself: their median is 151, and nine of ten have fewer. */
const DEFAULT_TOKENS = 456
/** Of a token's own log probability, and of each alternative that is listed with it, as JSON. */
const BYTES_PER_LOGPROB = 80

/** What an answer is to hold. */
export interface AnswerSize {
  readonly choices: number
  /** The limit of each choice, in tokens; undefined where it ends by itself. */
  readonly tokens: number | undefined
  /** Alternatives listed with each token; undefined without log probabilities. */
  readonly top?: number | undefined
  /** Characters of a prompt that each choice repeats; default 0. */
  readonly echoed?: number
}

/** The memory that an answer takes until its client has it, in bytes, roughly. */
export function completionMemory({ choices, tokens = DEFAULT_TOKENS, top, echoed = 0 }: AnswerSize): number {
  const all = choices * tokens
  const logprobs = top === undefined ? 0 : all * BYTES_PER_LOGPROB * (1 + boundedTop(top, all))
  return choices * (BYTES_PER_CHOICE + echoed) + all * BYTES_PER_TOKEN + logprobs
}

/** Thought is billed in blocks of this size, in every capture. */
const BLOCK_TOKENS = 64

/**
 * What surrounds thought in the bill: an answer of one token after 192 tokens of thought was billed as 203 (gpt-5-nano,
 * August 2025), of which one is the end of the text.
 */
const FRAMING_TOKENS = 9

/** Median of the thought for each effort, in tokens; no public trace of real thoughts exists to fit. */
const medianTokens: Readonly<Record<string, number>> = {
  none: 0,
  minimal: 0,
  low: 160,
  medium: 512,
  high: 1_536,
  xhigh: 4_096,
}
/** Deviation of the logarithm: nine thoughts in ten lie between 0.37 and 2.7 times the median. */
const LOG_DEVIATION = 0.6

/** The thought before an answer. */
export interface Thought {
  /** A multiple of 64. */
  readonly reasoningTokens: number
  /** Billed beside it. */
  readonly overheadTokens: number
  /** The limit ended it, so that no visible token follows. */
  readonly cut: boolean
}

const noThought: Thought = { reasoningTokens: 0, overheadTokens: 0, cut: false }

/**
 * Draws how long a model thinks before it answers: lognormal around the median of its effort, in blocks of 64 tokens.
 *
 * @param effort the request's `reasoning_effort`; undefined leaves it to the model
 * @param limit tokens that the answer may have in all, at least 1; a longer thought takes them all
 */
export function drawThought(
  model: Model,
  effort: string | undefined,
  limit: number,
  random: Random,
): Thought {
  if (!model.reasoning) return noThought
  const median = medianTokens[effort ?? defaultEffort(model)] ?? 0
  if (median === 0) return noThought
  const drawn = lognormal(median, LOG_DEVIATION, random)
  const reasoningTokens = Math.round(drawn / BLOCK_TOKENS) * BLOCK_TOKENS
  if (reasoningTokens === 0) return noThought
  if (reasoningTokens + FRAMING_TOKENS < limit) {
    return { reasoningTokens, overheadTokens: FRAMING_TOKENS, cut: false }
  }
  const whole = Math.min(reasoningTokens, limit - (limit % BLOCK_TOKENS))
  return { reasoningTokens: whole, overheadTokens: limit - whole, cut: true }
}

/**
 * Models from gpt-5.1 on do not think unless they are asked to (Microsoft Learn, "Azure OpenAI reasoning models"); from
 * gpt-5.6 on they do again, for there a request with tools has to switch it off.
 */
function defaultEffort({ name }: Model): 'none' | 'medium' {
  return /^gpt-5\.[1-5](-mini|-nano)?$/.test(name) ? 'none' : 'medium'
}
