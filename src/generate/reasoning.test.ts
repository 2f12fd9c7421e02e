import { describe, expect, it } from 'vitest'
import { findModel } from '../wire/models/model-catalogue.ts'
import { createRandom } from '../lib/random.ts'
import { drawReasoning } from './reasoning.ts'

const random = createRandom('thought')
const reason = (model: string, effort?: string, limit = 100_000) =>
  drawReasoning(findModel(model)!, effort, limit, random)

function median(draw: () => number): number {
  const drawn = Array.from({ length: 2_001 }, draw).toSorted((a, b) => a - b)
  return drawn[1_000] ?? 0
}

describe('reasoning', () => {
  it('reasoning is billed in multiples of 64 plus nine framing tokens', () => {
    for (let i = 0; i < 200; i++) {
      const { reasoningTokens, overheadTokens, cut } = reason('gpt-5-nano', 'low')
      expect(reasoningTokens % 64).toBe(0)
      expect(overheadTokens).toBe(reasoningTokens === 0 ? 0 : 9)
      expect(cut).toBe(false)
    }
  })

  it('reasoning increases with the effort', () => {
    const medians = ['minimal', 'low', 'medium', 'high', 'xhigh'].map((effort) =>
      median(() => reason('gpt-5', effort).reasoningTokens),
    )
    expect(medians[0]).toBe(0)
    for (const [index, [low, high]] of [
      [128, 192],
      [448, 576],
      [1_408, 1_664],
      [3_840, 4_352],
    ].entries()) {
      expect(medians[index + 1]).toBeGreaterThanOrEqual(low ?? 0)
      expect(medians[index + 1]).toBeLessThanOrEqual(high ?? 0)
    }
  })

  it('reasoning without an effort in the request depends on the model', () => {
    for (const name of ['gpt-4o', 'gpt-5.1', 'gpt-5.4-mini']) {
      expect(median(() => reason(name).reasoningTokens)).toBe(0)
    }
    for (const name of ['o3', 'gpt-5', 'gpt-5-mini', 'gpt-5.6-sol']) {
      expect(median(() => reason(name).reasoningTokens)).toBeGreaterThan(400)
    }
  })

  it('reasoning uses the whole limit, but not more, if the limit is smaller', () => {
    for (let i = 0; i < 100; i++) {
      const { reasoningTokens, overheadTokens, cut } = reason('gpt-5', 'xhigh', 300)
      expect({ reasoningTokens, overheadTokens, cut }).toEqual({
        reasoningTokens: 256,
        overheadTokens: 44,
        cut: true,
      })
    }
    expect(reason('gpt-5', 'high', 1)).toEqual({ reasoningTokens: 0, overheadTokens: 1, cut: true })
  })
})
