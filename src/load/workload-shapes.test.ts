import { describe, expect, it } from 'vitest'
import { createRandom } from '../lib/random.ts'
import { drawSize, workloadShapes } from './workload-shapes.ts'

const DRAWS = 20_000

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.floor(sorted.length * share)] ?? 0
}

describe.each([
  ['conversation', { prompt: [1_020, 2_735, 6.63], output: [129, 424, 5.02] }],
  ['code', { prompt: [1_469, 5_194, 7.0], output: [13, 55, 2.79] }],
] as const)('sizes of %s', (name, { prompt, output }) => {
  const random = createRandom('shapes')
  const sizes = Array.from({ length: DRAWS }, () => drawSize(workloadShapes[name], random))

  it.each([
    ['prompts', prompt, sizes.map(({ promptTokens }) => promptTokens)],
    ['answers', output, sizes.map(({ outputTokens }) => outputTokens)],
  ] as const)(
    'have the same median, 90th percentile and mean logarithm of %s as the trace',
    (...[, trace, drawn]) => {
      const [p50, p90, meanLog] = trace
      const sorted = drawn.toSorted((a, b) => a - b)
      // Whole tokens make the small quantiles coarse.
      expect(Math.abs(quantile(sorted, 0.5) / p50 - 1)).toBeLessThan(0.05)
      expect(Math.abs(quantile(sorted, 0.9) / p90 - 1)).toBeLessThan(0.05)
      const mean = sorted.reduce((sum, tokens) => sum + Math.log(tokens), 0) / DRAWS
      expect(Math.abs(mean - meanLog)).toBeLessThan(0.05)
    },
  )
})
