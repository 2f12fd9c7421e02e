import { expect, test } from 'vitest'
import { Histogram } from '../../bench/histogram.ts'
import { median, quantile, ratioOf, slopeOf } from '../../bench/statistics.ts'

test.each([
  [[3, 1, 2], 2],
  [[4, 1, 2, 3], 2.5],
  [[7], 7],
])('the median of %j is %d', (values, expected) => {
  expect(median(values)).toBe(expected)
})

test('compares each round with its own reference', () => {
  expect(ratioOf([50, 60, 20], [100, 100, 50])).toEqual({ median: 0.5, lowest: 0.4, highest: 0.6 })
})

test('a slope is that of the line through the points', () => {
  expect(slopeOf([0, 1, 2, 5].map((x) => [x, 10 - 3 * x]))).toBe(-3)
  expect(slopeOf([[1, 1]])).toBeNaN()
})

test('a few points far away do not turn a slope', () => {
  const points = Array.from({ length: 100 }, (_, x) => [x, x % 20 === 7 ? 500 : 2 * x] as const)
  expect(slopeOf(points)).toBe(2)
})

test('a histogram tells quantiles to 3 %, of values from a hundredth on', () => {
  const values = Array.from({ length: 5_000 }, (_, index) => 1.002 ** index)
  const histogram = new Histogram()
  for (const value of values) histogram.add(value)
  for (const share of [0.01, 0.5, 0.99]) {
    const ratio = histogram.quantile(share) / quantile(values, share)
    expect(ratio).toBeGreaterThan(0.97)
    expect(ratio).toBeLessThan(1.03)
  }
  expect(histogram.count).toBe(5_000)
})

test('a histogram counts what came too early as the least', () => {
  const histogram = new Histogram()
  for (const value of [-5, 0, 0.001]) histogram.add(value)
  expect(histogram.quantile(0.99)).toBe(0.01)
  expect(new Histogram().quantile(0.5)).toBeNaN()
})
