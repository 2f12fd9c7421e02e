import { expect, test } from 'vitest'
import { median, ratioOf, slopeOf } from '../../bench/statistics.ts'

test.each([
  [[3, 1, 2], 2],
  [[4, 1, 2, 3], 2.5],
  [[7], 7],
])('the median of %j is %d', (values, expected) => {
  expect(median(values)).toBe(expected)
})

test('the ratio compares each round with the reference of the same round', () => {
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
