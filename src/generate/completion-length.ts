import type { ResourceConfig } from '../config/config.ts'
import type { Random } from '../lib/random.ts'

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
