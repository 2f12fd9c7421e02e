import type { Random } from '../lib/random.ts'

/** How large one request is, in tokens of the model. */
export interface RequestSize {
  readonly promptTokens: number
  /** The most tokens of the answer; a simulator and most models with long answers give as many. */
  readonly outputTokens: number
}

/** A point of a distribution: this share of the requests has at most so many tokens. */
interface Knot {
  readonly share: number
  readonly tokens: number
}

/** How the sizes of a kind of work are distributed. */
export interface WorkloadShape {
  readonly description: string
  readonly promptTokens: readonly Knot[]
  readonly outputTokens: readonly Knot[]
}

/**
 * Shapes of real work: quantiles of the traces that Azure published of its LLM inference service of November 2023
 * (github.com/Azure/AzurePublicDataset, AzureLLMInferenceTrace_conv.csv and _code.csv; the traces of Splitwise, ISCA 2024).
 * Their halves are far from lognormal (the mean of the logarithms lies below the logarithm of the median), so sizes are
 * drawn between the quantiles. The first knot of each is where the mean of the logarithms comes out as in the trace.
 */
export const workloadShapes = {
  conversation: {
    description: 'people who talk with an assistant: middling prompts, long answers',
    // Mean of ln 6.63.
    promptTokens: [
      { share: 0, tokens: 87 },
      { share: 0.5, tokens: 1_020 },
      { share: 0.9, tokens: 2_735 },
      { share: 1, tokens: 4_142 },
    ],
    // Mean of ln 5.02.
    outputTokens: [
      { share: 0, tokens: 54 },
      { share: 0.5, tokens: 129 },
      { share: 0.9, tokens: 424 },
      { share: 1, tokens: 601 },
    ],
  },
  code: {
    description: 'code completion in an editor: long prompts, short answers',
    // Mean of ln 7.0. Above the 90th percentile the line from the median goes on.
    promptTokens: [
      { share: 0, tokens: 95 },
      { share: 0.5, tokens: 1_469 },
      { share: 0.9, tokens: 5_194 },
      { share: 1, tokens: 7_115 },
    ],
    // Mean of ln 2.79.
    outputTokens: [
      { share: 0, tokens: 4 },
      { share: 0.5, tokens: 13 },
      { share: 0.9, tokens: 55 },
      { share: 1, tokens: 252 },
    ],
  },
} as const satisfies Readonly<Record<string, WorkloadShape>>

/** The name of a shape. */
export type WorkloadName = keyof typeof workloadShapes

/** Whether a text names a shape. */
export function isWorkloadName(name: string): name is WorkloadName {
  return Object.hasOwn(workloadShapes, name)
}

/** Draws the size of one request. Prompt and answer are drawn apart: how they hang together in the traces is left out. */
export function drawSize({ promptTokens, outputTokens }: WorkloadShape, random: Random): RequestSize {
  return {
    promptTokens: tokensAt(promptTokens, random.unit()),
    outputTokens: tokensAt(outputTokens, random.unit()),
  }
}

/** The tokens at a share, from 0 to 1, on straight lines between the logarithms of the knots. */
function tokensAt(knots: readonly Knot[], share: number): number {
  const above = Math.max(
    1,
    knots.findIndex((knot) => knot.share >= share),
  )
  const [from, to] = [knots[above - 1], knots[above]]
  if (!from || !to) throw new Error('A distribution has knots at the shares 0 and 1.')
  const way = (share - from.share) / (to.share - from.share)
  return Math.max(1, Math.round(from.tokens * (to.tokens / from.tokens) ** way))
}
