import { expect, test } from 'vitest'
import { median, ratioOf } from '../../bench/statistics.ts'

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
