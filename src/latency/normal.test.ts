import { describe, expect, it } from 'vitest'
import { createRandom } from '../platform/random.ts'
import { createNormal } from './normal.ts'

const drawMany = (meanMs: number, stdDevMs: number): number[] => {
  const normal = createNormal(createRandom('normal'))
  return Array.from({ length: 100_000 }, () => normal(meanMs, stdDevMs)).sort((a, b) => a - b)
}

describe('createNormal', () => {
  it('has the quantiles of the normal distribution', () => {
    const sorted = drawMany(100, 10)
    const quantile = (share: number): number => sorted[Math.floor(share * sorted.length)]!
    expect(quantile(0.5)).toBeCloseTo(100, 0)
    expect(quantile(0.8413)).toBeCloseTo(110, 0)
    expect(quantile(0.1587)).toBeCloseTo(90, 0)
    expect(Math.abs(quantile(0.99865) - 130)).toBeLessThan(1.5)
  })

  it('never gives a negative time', () => {
    const sorted = drawMany(1, 10)
    expect(sorted[0]).toBe(0)
    expect(sorted.at(-1)).toBeGreaterThan(30)
  })

  it('gives the mean itself without a deviation', () => {
    const normal = createNormal(createRandom('flat'))
    expect([normal(19, 0), normal(7, 0), normal(0, 0)]).toEqual([19, 7, 0])
  })

  it('gives the same times for the same seed', () => {
    expect(drawMany(19, 6)).toEqual(drawMany(19, 6))
  })
})
