import { describe, expect, it } from 'vitest'
import { findModel } from '../wire/models/model-catalogue.ts'
import { createRandom } from '../lib/random.ts'
import { drawReasoning } from './reasoning.ts'

const random = createRandom('thought')
const reason = (model: string, effort?: string, limit = 100_000, promptTokens = 2_000) =>
  drawReasoning(findModel(model)!, { reasoningEffort: effort, promptTokens }, limit, random)

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
    for (const name of ['o3', 'gpt-5', 'gpt-5-mini']) {
      expect(median(() => reason(name).reasoningTokens)).toBeGreaterThan(400)
    }
    for (const name of ['gpt-5.5', 'gpt-5.6-sol', 'gpt-6-luna']) {
      expect(median(() => reason(name, undefined, 100_000, 4_000).reasoningTokens)).toBeGreaterThan(300)
    }
  })

  it('reasoning of a short prompt is shorter', () => {
    expect(median(() => reason('gpt-5-nano', 'medium', 100_000, 14).reasoningTokens)).toBe(128)
    expect(median(() => reason('gpt-5-nano', 'medium', 100_000, 240).reasoningTokens)).toBeLessThan(400)
  })

  it.each(['gpt-5.2-chat', 'gpt-5.5', 'gpt-5.6-sol', 'gpt-5.6-luna', 'gpt-6-luna', 'gpt-6.1-sol'])(
    'reasoning of %s is absent for a short prompt with a small limit',
    (name) => {
      for (let i = 0; i < 100; i++) {
        expect(reason(name, undefined, 64, 19)).toMatchObject({ reasoningTokens: 0, cut: false, brief: true })
      }
    },
  )

  it('reasoning of an adaptive model leaves half of the limit for the answer up to medium effort', () => {
    for (let i = 0; i < 200; i++) {
      const { reasoningTokens, cut } = reason('gpt-5.6-sol', undefined, 300, 3_000)
      expect(reasoningTokens).toBeLessThanOrEqual(150)
      expect(cut).toBe(false)
    }
    const cuts = Array.from({ length: 200 }, () => reason('gpt-5.6-sol', 'xhigh', 300, 3_000).cut)
    expect(cuts).toContain(true)
  })

  it('reasoning with the effort max is the longest', () => {
    expect(median(() => reason('gpt-5.6-sol', 'max').reasoningTokens)).toBeGreaterThan(7_000)
  })

  it('reasoning uses the whole limit, but not more, if the limit is smaller', () => {
    for (let i = 0; i < 100; i++) {
      const { reasoningTokens, overheadTokens, cut } = reason('gpt-5', 'xhigh', 300)
      expect({ reasoningTokens, overheadTokens, cut }).toMatchObject({
        reasoningTokens: 256,
        overheadTokens: 44,
        cut: true,
      })
    }
    expect(reason('gpt-5', 'high', 1)).toMatchObject({ reasoningTokens: 0, overheadTokens: 1, cut: true })
  })
})
