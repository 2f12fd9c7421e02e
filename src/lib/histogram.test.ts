import { describe, expect, it } from 'vitest'
import { Histogram } from './histogram.ts'

const histogramOf = (values: Iterable<number>, precision = 0.01): Histogram => {
  const histogram = new Histogram({ precision, lowest: 0.01 })
  for (const value of values) histogram.record(value)
  return histogram
}

describe('Histogram', () => {
  it.each([0.03, 0.01, 0.001])('quantiles are within a precision of %d', (precision) => {
    const values = Array.from({ length: 5_000 }, (_, index) => 1.002 ** index)
    const histogram = histogramOf(values, precision)
    for (const share of [0.01, 0.5, 0.9, 0.99]) {
      const exact = values[Math.ceil(share * values.length) - 1] ?? NaN
      expect(Math.abs(histogram.quantile(share) / exact - 1)).toBeLessThan(precision)
    }
    expect(histogram.count).toBe(5_000)
  })

  it('quantiles of ascending shares are the same in one pass', () => {
    const histogram = histogramOf(Array.from({ length: 100 }, (_, index) => index + 1))
    const shares = [0, 0.005, 0.01, 0.5, 0.95, 1]
    expect(histogram.quantiles(shares)).toEqual(shares.map((share) => histogram.quantile(share)))
  })

  it('min and max are exact, and quantiles are between them', () => {
    const histogram = histogramOf([12_345.6])
    expect([histogram.min, histogram.quantile(0.5), histogram.max]).toEqual([12_345.6, 12_345.6, 12_345.6])
  })

  it('quantiles are never below the lowest value', () => {
    const histogram = histogramOf([-5, 0, 0.001])
    expect(histogram.quantiles([0, 0.99])).toEqual([0.01, 0.01])
    expect([histogram.min, histogram.max]).toEqual([-5, 0.001])
  })

  it('an empty histogram has no quantile', () => {
    const { count, min, max } = histogramOf([])
    expect([histogramOf([]).quantile(0.5), count, min, max]).toEqual([NaN, 0, Infinity, -Infinity])
  })

  it('a merge adds the values of the other histogram', () => {
    const all = histogramOf([5])
    all.merge(histogramOf([1, 2, 90]))
    all.merge(histogramOf([]))
    expect([all.count, all.min, all.max]).toEqual([4, 1, 90])
    expect(all.quantile(0.5)).toBeCloseTo(2, 1)
  })

  it('memory depends on the range of the values, not on their number', () => {
    const distinct = new Set(
      Array.from({ length: 20_000 }, (_, index) => histogramOf([100 + index / 1_000, 1, 1e6]).quantile(0.5)),
    )
    // From 100 to 120 in steps of 1 %.
    expect(distinct.size).toBeLessThan(25)
  })
})
