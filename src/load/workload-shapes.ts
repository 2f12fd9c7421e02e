import type { Random } from '../lib/random.ts'

/** Size of a request, in tokens. */
export interface RequestSize {
  readonly promptTokens: number
  /** Maximum length of the answer. A simulator answers with exactly as many tokens. */
  readonly outputTokens: number
}

/** A point of a distribution: this share of the requests has at most this number of tokens. */
interface Knot {
  readonly share: number
  readonly tokens: number
}

/** Distribution of the request sizes of a workload. */
export interface WorkloadShape {
  readonly description: string
  readonly promptTokens: readonly Knot[]
  readonly outputTokens: readonly Knot[]
}

/**
 * Quantiles of two traces of Azure's LLM inference service, published for November 2023 (github.com/Azure/AzurePublicDataset,
 * AzureLLMInferenceTrace_conv.csv and _code.csv, described in Splitwise, ISCA 2024). The sizes are not lognormal: the mean of the
 * logarithms is below the logarithm of the median. So they are interpolated between the quantiles. The first knot is chosen so that the
 * mean of the logarithms is that of the trace.
 */
export const workloadShapes = {
  conversation: {
    description: 'chat with an assistant: medium prompts, long answers',
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
    // Mean of ln 7.0. Above the 90th percentile, the line from the median continues.
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

/** The name of a workload. */
export type WorkloadName = keyof typeof workloadShapes

/** Draws the size of one request. Prompt and answer are independent, unlike in the traces. */
export function drawSize({ promptTokens, outputTokens }: WorkloadShape, random: Random): RequestSize {
  return {
    promptTokens: tokensAt(promptTokens, random.unit()),
    outputTokens: tokensAt(outputTokens, random.unit()),
  }
}

/** Returns the tokens at a share, from 0 to 1. Interpolates linearly between the logarithms of the knots. */
function tokensAt(knots: readonly Knot[], share: number): number {
  const above = Math.max(
    1,
    knots.findIndex((knot) => knot.share >= share),
  )
  const [from, to] = [knots[above - 1], knots[above]]
  if (!from || !to) throw new Error('A distribution needs knots at the shares 0 and 1.')
  const fraction = (share - from.share) / (to.share - from.share)
  return Math.max(1, Math.round(from.tokens * (to.tokens / from.tokens) ** fraction))
}
