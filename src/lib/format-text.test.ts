import { expect, it } from 'vitest'
import { formatNumber } from './format-text.ts'

it.each([
  0,
  7,
  999,
  1_000,
  12_345,
  999_999,
  1_000_000,
  1_234_567_890,
  9_007_199_254_740_991,
  -1,
  -999,
  -1_000,
  -123_456,
  0.4,
  1_234.5,
  0.1234,
  1e21,
  -0.5,
  Infinity,
  NaN,
])('formatNumber writes %d as in English', (value) => {
  expect(formatNumber(value)).toBe(new Intl.NumberFormat('en-US').format(value))
})
