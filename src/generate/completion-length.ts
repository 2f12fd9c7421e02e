import type { ResourceConfig } from '../config/config.ts'
import type { Random } from '../lib/random.ts'
import type { ForcedAnswer } from '../pipeline/forced-answer.ts'
import { boundedTop } from './logprobs.ts'
import type { Model } from '../wire/models/models.ts'

/**
 * The length of an answer that ends by itself, in tokens: lognormal, fitted by its logarithm's mean and deviation to
 * the conversation trace of Azure's LLM inference dataset of 2023 (median 151, 90 % below 456).
 */
const naturalLogMean = 5.02
const naturalLogDeviation = 0.86

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
export function drawCompletionLength(
  random: Random,
  requested: number | undefined,
  most: number,
  policy: ResourceConfig['completionLength'],
): CompletionLength {
  const limit = Math.min(requested ?? most, most)
  if (requested !== undefined && policy === 'exact') return { tokens: limit, cut: true }
  const natural = Math.max(1, Math.round(Math.exp(naturalLogMean + naturalLogDeviation * drawNormal(random))))
  // The token that ends a text counts as one, so a text of exactly the limit has no room for it.
  return natural < limit ? { tokens: natural, cut: false } : { tokens: limit, cut: true }
}

/** A draw from the standard normal distribution (Box and Muller, 1958). */
function drawNormal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.unit())) * Math.cos(2 * Math.PI * random.unit())
}

/**
 * The length of a text of which some is decided beforehand.
 *
 * @param drawn what it would be else
 * @param room tokens that the request and the model leave for it
 */
export function forceLength(drawn: CompletionLength, forced: ForcedAnswer, room: number): CompletionLength {
  const { tokens = drawn.tokens, finishReason } = forced
  // The token that ends a text counts as one, so a text of exactly the limit has no room for it.
  if (finishReason === 'stop') return { tokens: Math.max(1, Math.min(tokens, room - 1)), cut: false }
  if (finishReason === 'length') return { tokens: Math.min(tokens, room), cut: true }
  if (forced.tokens === undefined) return drawn
  return tokens < room ? { tokens, cut: false } : { tokens: room, cut: true }
}

/** How many tokens of a text that has its own length are written: half of it, where it is to end for its length. */
export function forcedLimit({ tokens, finishReason }: ForcedAnswer, length: number): number {
  if (finishReason === 'stop') return Infinity
  return tokens ?? (finishReason === 'length' ? Math.max(1, Math.floor(length / 2)) : Infinity)
}

/** A piece of text is a pointer, and a part of the whole text; measured 14 bytes for each token. */
const bytesPerToken = 15
const bytesPerChoice = 300
/** Tokens of an answer that ends by itself: their median is 151, and nine of ten have fewer. */
const usualTokens = 456
/** Of a token's own log probability, and of each alternative that is listed with it, as JSON. */
const bytesPerLogprob = 80

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
export function completionMemory({ choices, tokens = usualTokens, top, echoed = 0 }: AnswerSize): number {
  const all = choices * tokens
  const logprobs = top === undefined ? 0 : all * bytesPerLogprob * (1 + boundedTop(top, all))
  return choices * (bytesPerChoice + echoed) + all * bytesPerToken + logprobs
}

/** Thought is billed in blocks of this size, in every capture. */
const blockTokens = 64

/**
 * What surrounds thought in the bill: an answer of one token after 192 tokens of thought was billed as 203 (gpt-5-nano,
 * August 2025), of which one is the end of the text.
 */
const framingTokens = 9

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
const logDeviation = 0.6

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
  const drawn = median * Math.exp(logDeviation * drawNormal(random))
  const reasoningTokens = Math.round(drawn / blockTokens) * blockTokens
  if (reasoningTokens === 0) return noThought
  if (reasoningTokens + framingTokens < limit) {
    return { reasoningTokens, overheadTokens: framingTokens, cut: false }
  }
  const whole = Math.min(reasoningTokens, limit - (limit % blockTokens))
  return { reasoningTokens: whole, overheadTokens: limit - whole, cut: true }
}

/**
 * Models from gpt-5.1 on do not think unless they are asked to (Microsoft Learn, "Azure OpenAI reasoning models"); from
 * gpt-5.6 on they do again, for there a request with tools has to switch it off.
 */
function defaultEffort({ name }: Model): 'none' | 'medium' {
  return /^gpt-5\.[1-5](-mini|-nano)?$/.test(name) ? 'none' : 'medium'
}
