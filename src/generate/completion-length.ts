import type { ResourceConfig } from '../config/config.ts'
import type { Random } from '../lib/random.ts'
import type { ForcedAnswer } from '../pipeline/forced-answer.ts'
import { boundedTop } from './logprobs.ts'

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
export function drawNormal(random: Random): number {
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
