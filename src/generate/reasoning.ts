import type { Model } from '../wire/models/models.ts'
import type { Random } from '../lib/random.ts'
import { drawNormal } from './completion-length.ts'

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
