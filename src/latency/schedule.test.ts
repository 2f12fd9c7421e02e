import { describe, expect, it } from 'vitest'
import { createRandom } from '../platform/random.ts'
import { planRequestSchedule, planSchedule } from './schedule.ts'

const latency = { perToken: { meanMs: 19, stdDevMs: 6 }, firstToken: { meanMs: 250, stdDevMs: 50 } }
const exact = { perToken: { meanMs: 10, stdDevMs: 0 }, firstToken: { meanMs: 200, stdDevMs: 0 } }
const random = createRandom('schedule')

describe('planSchedule', () => {
  it('waits for the first token once and gives each token its own time', () => {
    const { stepsMs, endMs } = planSchedule({ hidden: 0, visible: 3 }, exact, random, 1)
    expect([...stepsMs]).toEqual([210, 220, 230])
    expect(endMs).toBe(230)
  })

  it('spends the time of hidden tokens before the first visible one', () => {
    const { stepsMs, endMs } = planSchedule({ hidden: 100, visible: 2 }, exact, random, 1)
    expect([...stepsMs]).toEqual([1_210, 1_220])
    expect(endMs).toBe(1_220)
  })

  it('ends after the thinking when nothing becomes visible', () => {
    expect(planSchedule({ hidden: 5, visible: 0 }, exact, random, 1)).toEqual({
      stepsMs: new Float64Array(0),
      endMs: 250,
    })
  })

  it('multiplies every time by the scale', () => {
    const { stepsMs, endMs } = planSchedule({ hidden: 0, visible: 2 }, exact, random, 0.5)
    expect([...stepsMs]).toEqual([105, 110])
    expect(endMs).toBe(110)
  })

  it('takes the first wait and N times the mean for N tokens, with the spread of independent draws', () => {
    const ends = Array.from({ length: 4_000 }, () => {
      const { stepsMs, endMs } = planSchedule({ hidden: 10, visible: 40 }, latency, random, 1)
      expect(stepsMs[39]).toBe(endMs)
      return endMs
    })
    const mean = ends.reduce((sum, endMs) => sum + endMs, 0) / ends.length
    const variance = ends.reduce((sum, endMs) => sum + (endMs - mean) ** 2, 0) / ends.length
    expect(Math.abs(mean - (250 + 50 * 19))).toBeLessThan(5)
    expect(Math.abs(Math.sqrt(variance) - Math.sqrt(50 ** 2 + 50 * 6 ** 2))).toBeLessThan(4)
  })

  it('is never due earlier than the step before', () => {
    const wild = { perToken: { meanMs: 1, stdDevMs: 50 }, firstToken: { meanMs: 0, stdDevMs: 50 } }
    const { stepsMs } = planSchedule({ hidden: 0, visible: 5_000 }, wild, random, 1)
    expect([...stepsMs]).toEqual([...stepsMs].sort((a, b) => a - b))
    expect(stepsMs[0]).toBeGreaterThanOrEqual(0)
  })
})

describe('planRequestSchedule', () => {
  it('delays the whole answer by one scaled draw', () => {
    expect(planRequestSchedule({ meanMs: 100, stdDevMs: 0 }, random, 0.1)).toEqual({
      stepsMs: new Float64Array(0),
      endMs: 10,
    })
  })
})
