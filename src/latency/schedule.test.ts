import { describe, expect, it } from 'vitest'
import type { Distribution } from '../config/distribution.ts'
import { createRandom } from '../lib/random.ts'
import { planRequest, planTokens, type Work, type TokenTiming } from './timing.ts'

const constant = (ms: number): Distribution => ({ distribution: 'constant', ms })
const exact: TokenTiming = {
  kind: 'tokens',
  firstToken: constant(200),
  delaysFirstToken: false,
  perToken: constant(10),
  promptMsPerToken: 0,
  reasoningMsPerToken: undefined,
  burst: undefined,
}
const work: Work = { beginMs: 0, promptTokens: 0, factor: 1 }
const random = createRandom('schedule')

const plan = (
  steps: { hidden?: number; visible: number },
  timing: Partial<TokenTiming> = {},
  with_: Partial<Work> = {},
) => planTokens({ hidden: 0, ...steps }, { ...exact, ...timing }, { ...work, ...with_ }, random)

describe('planTokens', () => {
  it('delays the first token by firstToken, and each next one by perToken', () => {
    const { stepsMs, endMs } = plan({ visible: 3 })
    expect([...stepsMs]).toEqual([200, 210, 220])
    expect(endMs).toBe(220)
  })

  it('also delays the first token by perToken with delaysFirstToken', () => {
    expect([...plan({ visible: 3 }, { delaysFirstToken: true }).stepsMs]).toEqual([210, 220, 230])
  })

  it('delays the first visible token by the hidden tokens', () => {
    expect([...plan({ hidden: 100, visible: 2 }).stepsMs]).toEqual([1_200, 1_210])
    expect([...plan({ hidden: 100, visible: 2 }, { reasoningMsPerToken: 3 }).stepsMs]).toEqual([500, 510])
  })

  it('ends after the hidden tokens without visible ones', () => {
    const expected = { stepsMs: new Float64Array(0), endMs: 250, firstMs: 200 }
    expect(plan({ hidden: 5, visible: 0 })).toEqual(expected)
  })

  it('reports the time of the first token, hidden or not', () => {
    expect(plan({ visible: 2 }).firstMs).toBe(200)
    expect(plan({ hidden: 3, visible: 2 })).toMatchObject({ firstMs: 200, endMs: 240 })
    expect(plan({ visible: 0 })).toMatchObject({ firstMs: 200, endMs: 200 })
  })

  it('delays the first token by the prompt tokens', () => {
    const { stepsMs } = plan({ visible: 2 }, { promptMsPerToken: 0.1 }, { promptTokens: 1_000 })
    expect([...stepsMs]).toEqual([300, 310])
  })

  it('counts from beginMs, and multiplies all times by the factor', () => {
    const { stepsMs, endMs } = plan({ visible: 2 }, {}, { beginMs: 1_000, factor: 0.5 })
    expect([...stepsMs]).toEqual([1_100, 1_105])
    expect(endMs).toBe(1_105)
  })

  it('sends a burst with its last token, and does not change the first token and the end', () => {
    const even = plan({ visible: 8 })
    const { stepsMs, endMs } = plan({ visible: 8 }, { burst: { tokens: [3, 3] } })
    expect([...stepsMs]).toEqual([200, 230, 230, 230, 260, 260, 260, 270])
    expect([stepsMs[0], endMs]).toEqual([even.stepsMs[0], even.endMs])
  })

  it('draws the sizes of bursts evenly from minimum to maximum', () => {
    const { stepsMs } = plan({ visible: 40_001 }, { burst: { tokens: [3, 10] } })
    const sizes = new Map<number, number>()
    for (const dueMs of stepsMs.slice(1)) sizes.set(dueMs, (sizes.get(dueMs) ?? 0) + 1)
    const counts = [...sizes.values()].slice(0, -1)
    expect([Math.min(...counts), Math.max(...counts)]).toEqual([3, 10])
    expect(40_000 / sizes.size).toBeCloseTo(6.5, 0)
  })

  it('sends a timed burst an interval after its first token, or with the last token of the answer', () => {
    const burst = { interval: constant(50) }
    const { stepsMs, endMs, headMs } = plan({ visible: 14 }, { burst })
    expect([...stepsMs]).toEqual([...Array<number>(6).fill(250), ...Array<number>(6).fill(310), 330, 330])
    expect([endMs, headMs]).toEqual([330, 200])
  })

  it('sends an answer that is shorter than the interval as a whole, and its headers with the first token', () => {
    const { stepsMs, endMs, headMs } = plan({ visible: 3 }, { burst: { interval: constant(2_000) } })
    expect([[...stepsMs], endMs, headMs]).toEqual([[220, 220, 220], 220, 200])
  })

  it('sends slow tokens one by one with an interval of 0', () => {
    expect([...plan({ visible: 3 }, { burst: { interval: constant(0) } }).stepsMs]).toEqual([200, 210, 220])
  })

  it('multiplies the interval of bursts by the factor', () => {
    const { stepsMs, headMs } = plan({ visible: 9 }, { burst: { interval: constant(50) } }, { factor: 2 })
    expect([stepsMs[0], stepsMs[6], headMs]).toEqual([500, 560, 400])
  })

  it('has no headers before the end without visible tokens', () => {
    expect(plan({ hidden: 5, visible: 0 }, { burst: { interval: constant(50) } })).not.toHaveProperty(
      'headMs',
    )
  })

  it('has the mean and the standard deviation of N independent draws', () => {
    const timing = {
      firstToken: { distribution: 'normal', meanMs: 250, stdDevMs: 50 },
      perToken: { distribution: 'normal', meanMs: 19, stdDevMs: 6 },
      delaysFirstToken: true,
    } as const
    const ends = Array.from({ length: 4_000 }, () => {
      const { stepsMs, endMs } = plan({ hidden: 10, visible: 40 }, timing)
      expect(stepsMs[39]).toBe(endMs)
      return endMs
    })
    const mean = ends.reduce((sum, endMs) => sum + endMs, 0) / ends.length
    const variance = ends.reduce((sum, endMs) => sum + (endMs - mean) ** 2, 0) / ends.length
    expect(Math.abs(mean - (250 + 50 * 19))).toBeLessThan(5)
    expect(Math.abs(Math.sqrt(variance) - Math.sqrt(50 ** 2 + 50 * 6 ** 2))).toBeLessThan(4)
  })

  it('has ascending due times', () => {
    const perToken = { distribution: 'normal', meanMs: 1, stdDevMs: 50 } as const
    const { stepsMs } = plan({ visible: 5_000 }, { perToken, burst: { tokens: [1, 9] } })
    expect([...stepsMs]).toEqual([...stepsMs].sort((a, b) => a - b))
  })
})

describe('planRequest', () => {
  it('delays the answer by one draw, times the units, plus the time of the prompt', () => {
    const timing = {
      kind: 'request',
      perRequest: constant(100),
      perMegabyte: false,
      promptMsPerToken: 0.5,
    } as const
    const endMs = (units: number, with_: Partial<Work>) =>
      planRequest(timing, units, { ...work, ...with_ }, random).endMs
    expect(endMs(1, {})).toBe(100)
    expect(endMs(2, { promptTokens: 10 })).toBe(205)
    expect(endMs(1, { beginMs: 40, factor: 0.1 })).toBe(50)
  })
})
