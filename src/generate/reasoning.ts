import type { Model } from '../wire/models/models.ts'
import { lognormal, type Random } from '../lib/random.ts'

/** Reasoning is billed in blocks of this size, in every capture. */
const BLOCK_TOKENS = 64

/**
 * Billed framing around reasoning: an answer of one token after 192 reasoning tokens was billed as 203 (gpt-5-nano,
 * August 2025). One of them is the end-of-text token.
 */
const FRAMING_TOKENS = 9

/** Median reasoning tokens for each effort. No public trace exists to fit them to. */
const medianTokens: Readonly<Record<string, number>> = {
  none: 0,
  minimal: 0,
  low: 160,
  medium: 512,
  high: 1_536,
  xhigh: 4_096,
}
/** Deviation of the logarithm: 90 % of the values lie between 0.37 and 2.7 times the median. */
const LOG_DEVIATION = 0.6

/** The hidden reasoning before an answer. */
export interface Reasoning {
  /** A multiple of 64. */
  readonly reasoningTokens: number
  /** Billed in addition to the reasoning tokens. */
  readonly overheadTokens: number
  /** The limit cut the reasoning, so no visible token follows. */
  readonly cut: boolean
}

const noReasoning: Reasoning = { reasoningTokens: 0, overheadTokens: 0, cut: false }

/**
 * Draws the number of reasoning tokens: lognormal around the median of the effort, in blocks of 64 tokens.
 *
 * @param effort the request's `reasoning_effort`; undefined uses the default of the model
 * @param limit maximum tokens of the whole answer, at least 1; longer reasoning uses all of them
 */
export function drawReasoning(
  model: Model,
  effort: string | undefined,
  limit: number,
  random: Random,
): Reasoning {
  if (!model.reasoning) return noReasoning
  const median = medianTokens[effort ?? model.capabilities.defaultEffort ?? 'medium'] ?? 0
  if (median === 0) return noReasoning
  const drawn = lognormal(median, LOG_DEVIATION, random)
  const reasoningTokens = Math.round(drawn / BLOCK_TOKENS) * BLOCK_TOKENS
  if (reasoningTokens === 0) return noReasoning
  if (reasoningTokens + FRAMING_TOKENS < limit) {
    return { reasoningTokens, overheadTokens: FRAMING_TOKENS, cut: false }
  }
  const whole = Math.min(reasoningTokens, limit - (limit % BLOCK_TOKENS))
  return { reasoningTokens: whole, overheadTokens: limit - whole, cut: true }
}
