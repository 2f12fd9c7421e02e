import { describe, expect, it } from 'vitest'
import { type Distribution, drawMs } from './distribution.ts'
import { createRandom } from '../lib/random.ts'

const DRAWS = 100_000

const drawMany = (from: Distribution, seed = 'draws'): number[] => {
  const random = createRandom(seed)
  return Array.from({ length: DRAWS }, () => drawMs(from, random)).sort((a, b) => a - b)
}

/** Returns the quantiles that differ by 3 % or more. With this number of draws, random variation is below that. */
const wrongQuantiles = (from: Distribution, expected: Readonly<Record<number, number>>): string[] => {
  const sorted = drawMany(from)
  return Object.entries(expected).flatMap(([share, ms]) => {
    const got = sorted[Math.floor(Number(share) * DRAWS)] ?? Number.NaN
    return Math.abs(got / ms - 1) < 0.03 ? [] : [`${share}: ${got} instead of ${ms}`]
  })
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

describe('drawMs', () => {
  it('returns a constant', () => {
    expect(new Set(drawMany({ distribution: 'constant', ms: 12.5 }))).toEqual(new Set([12.5]))
  })

  it('has the quantiles of the normal distribution', () => {
    const from = { distribution: 'normal', meanMs: 100, stdDevMs: 10 } as const
    expect(wrongQuantiles(from, { 0.00135: 70, 0.1587: 90, 0.5: 100, 0.8413: 110, 0.99865: 130 })).toEqual([])
  })

  it('clamps a normal distribution at 0, which half of the draws are for a mean of 0', () => {
    const sorted = drawMany({ distribution: 'normal', meanMs: 0, stdDevMs: 10 })
    expect(sorted[0]).toBe(0)
    expect(sorted.filter((ms) => ms === 0).length / DRAWS).toBeCloseTo(0.5, 2)
    // The mean of the positive half of a normal distribution: a deviation over the root of 2 pi.
    expect(mean(sorted)).toBeCloseTo(3.99, 1)
  })

  it('has the median and the spread of a lognormal distribution: p95 is the median times e^(1.645 sigma)', () => {
    const from = { distribution: 'lognormal', medianMs: 500, sigma: 0.7 } as const
    expect(wrongQuantiles(from, { 0.05: 158.1, 0.5: 500, 0.95: 1_581, 0.99: 2_548 })).toEqual([])
  })

  // Quantiles of the gamma distribution from tables of the chi-squared one: gamma(k, 2) is chi-squared with 2k degrees.
  it.each([
    ['below 1', 0.5, { 0.5: 0.4549, 0.95: 3.841, 0.99: 6.635 }],
    ['of 1, the exponential distribution', 1, { 0.05: 0.1026, 0.5: 1.386, 0.99: 9.21 }],
    ['above 1', 5, { 0.01: 2.558, 0.05: 3.94, 0.5: 9.342, 0.95: 18.307, 0.99: 23.209 }],
    ['far above 1', 50, { 0.05: 77.929, 0.5: 99.334, 0.95: 124.342 }],
  ])('has the quantiles of a gamma distribution of shape %s', (_, shape, expected) => {
    expect(wrongQuantiles({ distribution: 'gamma', shape, scaleMs: 2 }, expected)).toEqual([])
  })

  it('has shape times scale as the mean of a gamma distribution', () => {
    expect(mean(drawMany({ distribution: 'gamma', shape: 4, scaleMs: 25 })) / 100).toBeCloseTo(1, 2)
  })

  it('interpolates measured quantiles linearly', () => {
    const quantiles = [
      [0, 100],
      [0.5, 400],
      [0.95, 1_300],
      [1, 5_000],
    ] as const
    const from = { distribution: 'quantiles', quantiles } as const
    expect(wrongQuantiles(from, { 0.25: 250, 0.5: 400, 0.725: 850, 0.9: 1_200, 0.975: 3_150 })).toEqual([])
    const sorted = drawMany(from)
    expect(sorted[0]).toBeGreaterThanOrEqual(100)
    expect(sorted.at(-1)).toBeLessThanOrEqual(5_000)
  })

  it('stays between the first and the last measured quantile', () => {
    const quantiles = [
      [0.1, 50],
      [0.9, 90],
    ] as const
    const sorted = drawMany({ distribution: 'quantiles', quantiles })
    expect([sorted[0], sorted.at(-1)]).toEqual([50, 90])
    expect(sorted.filter((ms) => ms === 50).length / DRAWS).toBeCloseTo(0.1, 2)
    expect(new Set(drawMany({ distribution: 'quantiles', quantiles: [[0.5, 7]] }))).toEqual(new Set([7]))
  })

  it('returns the same times for the same seed, and different ones for another', () => {
    const from = { distribution: 'gamma', shape: 2, scaleMs: 3 } as const
    expect(drawMany(from)).toEqual(drawMany(from))
    expect(drawMany(from, 'other')).not.toEqual(drawMany(from))
  })
})
