import type { Model } from '../wire/models/models.ts'
import { lognormal, type Random } from '../lib/random.ts'
import type { CompletionTask } from './completion-task.ts'

/** Models that always reason bill it in blocks of this size (captures of gpt-5-nano, 2025 and 2026). */
const BLOCK_TOKENS = 64

/**
 * Billed framing around reasoning: an answer of one token after 192 reasoning tokens was billed as 203 (gpt-5-nano,
 * August 2025). One more is the end of the text.
 */
const FRAMING_TOKENS = 9

/** Framing around the reasoning of adaptive models: 1 token after 9 reasoning tokens was billed as 16 (gpt-5.5, July 2026). */
const ADAPTIVE_FRAMING_TOKENS = 5

/** Median reasoning tokens for each effort, for a prompt of `FULL_PROMPT_TOKENS` or more. No public trace exists to fit them to. */
const medianTokens: Readonly<Record<string, number>> = {
  none: 0,
  minimal: 0,
  low: 160,
  medium: 512,
  high: 1_536,
  xhigh: 4_096,
  max: 8_192,
}
/** Deviation of the logarithm: 90 % of the values lie between 0.37 and 2.7 times the median. */
const LOG_DEVIATION = 0.6

/**
 * Shorter prompts need less reasoning, down to a quarter. In captures of gpt-5-nano with medium effort, prompts of 14 to 85 tokens
 * have 64 to 128 reasoning tokens, 208 to 284 have 192, and 343 to 537 have 576 to 2,368.
 */
const FULL_PROMPT_TOKENS = 400
const SHORT_PROMPT_SHARE = 0.25

/**
 * Share of answers without reasoning of adaptive models, by effort, for short prompts. In captures with medium effort (2026-04 to
 * 2026-10), nine of ten answers of gpt-5.2-chat and of gpt-5.5 and later have none. It falls to a quarter for long prompts.
 */
const shareWithoutReasoning: Readonly<Record<string, number>> = {
  low: 0.9,
  medium: 0.75,
  high: 0.25,
  xhigh: 0.1,
  max: 0,
}
const LONG_PROMPT_TOKENS = 4_000

/** Up to this effort, adaptive models leave at least half of the limit for the answer. */
const sparingEfforts = new Set(['low', 'medium'])

/** Limits and prompts to which an adaptive model answers briefly without reasoning: `ping` with 64 tokens gets 5 (2026-08 and 2026-10). */
const BRIEF_LIMIT = 256
const BRIEF_PROMPT_TOKENS = 1_000

/** The hidden reasoning before an answer. */
export interface Reasoning {
  readonly reasoningTokens: number
  /** Billed in addition to the reasoning tokens. */
  readonly overheadTokens: number
  /** The limit cut the reasoning, so no visible token follows. */
  readonly cut: boolean
  /** The text that follows is much shorter than the limit. */
  readonly brief: boolean
}

const noReasoning: Reasoning = { reasoningTokens: 0, overheadTokens: 0, cut: false, brief: false }
const briefAnswer: Reasoning = { ...noReasoning, brief: true }

/**
 * Draws the number of reasoning tokens: lognormal around the median of effort and prompt, or none (adaptive models).
 *
 * @param limit maximum tokens of the whole answer, at least 1; longer reasoning uses all of them
 */
export function drawReasoning(
  { reasoning, capabilities }: Model,
  { reasoningEffort, promptTokens }: Pick<CompletionTask, 'reasoningEffort' | 'promptTokens'>,
  limit: number,
  random: Random,
): Reasoning {
  if (!reasoning) return noReasoning
  const effort = reasoningEffort ?? capabilities.defaultEffort ?? 'medium'
  const median = medianTokens[effort] ?? 0
  if (median === 0) return noReasoning
  const share = Math.min(1, Math.max(SHORT_PROMPT_SHARE, promptTokens / FULL_PROMPT_TOKENS))
  const drawn = lognormal(median * share, LOG_DEVIATION, random)
  if (!capabilities.adaptiveReasoning) return inBlocks(drawn, limit)

  const sparing = sparingEfforts.has(effort)
  if (sparing && limit <= BRIEF_LIMIT && promptTokens <= BRIEF_PROMPT_TOKENS) return briefAnswer
  const withoutReasoning =
    (shareWithoutReasoning[effort] ?? 0) * Math.max(0.25, 1 - promptTokens / LONG_PROMPT_TOKENS)
  if (random.unit() < withoutReasoning) return noReasoning
  const most = sparing ? Math.floor(limit / 2) : limit
  const reasoningTokens = Math.min(Math.max(1, Math.round(drawn)), most)
  if (reasoningTokens + ADAPTIVE_FRAMING_TOKENS < limit) {
    return completed(reasoningTokens, ADAPTIVE_FRAMING_TOKENS)
  }
  return { reasoningTokens, overheadTokens: limit - reasoningTokens, cut: true, brief: false }
}

function inBlocks(drawn: number, limit: number): Reasoning {
  const reasoningTokens = Math.round(drawn / BLOCK_TOKENS) * BLOCK_TOKENS
  if (reasoningTokens === 0) return noReasoning
  if (reasoningTokens + FRAMING_TOKENS < limit) return completed(reasoningTokens, FRAMING_TOKENS)
  const whole = Math.min(reasoningTokens, limit - (limit % BLOCK_TOKENS))
  return { reasoningTokens: whole, overheadTokens: limit - whole, cut: true, brief: false }
}

function completed(reasoningTokens: number, overheadTokens: number): Reasoning {
  return { reasoningTokens, overheadTokens, cut: false, brief: false }
}
