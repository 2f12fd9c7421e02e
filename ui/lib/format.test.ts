import { describe, expect, it } from 'vitest'
import {
  formatAmount,
  formatBytes,
  formatCount,
  formatDateTime,
  formatDigits,
  formatDuration,
  formatPercent,
  formatShort,
  formatTime,
  missing,
} from './format.ts'

/** Spaces as typed on a keyboard. */
const plain = (text: string): string => text.replaceAll('\u202f', ' ')

describe('a formatted value', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1_000, '1 000'],
    [1_234_567.4, '1 234 567'],
    [-1_200, '−1 200'],
    [-0.2, '0'],
  ])('as a count: %d', (value, text) => expect(plain(formatCount(value))).toBe(text))

  it.each([
    [0, '0'],
    [0.254, '0.25'],
    [12.34, '12.3'],
    [99.96, '100'],
    [850, '850'],
    [999.96, '1 k'],
    [12_340, '12.3 k'],
    [999_960, '1 M'],
    [4_500_000, '4.5 M'],
    [-12_340, '−12.3 k'],
    [-0.001, '0'],
  ])('as a short number: %d', (value, text) => expect(plain(formatShort(value))).toBe(text))

  it.each([
    [0, '0 ms'],
    [0.42, '0.42 ms'],
    [850.4, '850 ms'],
    [999.6, '1 s'],
    [1_250, '1.25 s'],
    [59_960, '1 min'],
    [60_000, '1 min'],
    [125_000, '2 min 5 s'],
    [3_600_000, '1 h'],
    [12_000_000, '3 h 20 min'],
    [187_200_000, '2 d 4 h'],
    [-1_250, '−1.25 s'],
  ])('as a duration: %d ms', (value, text) => expect(plain(formatDuration(value))).toBe(text))

  it.each([
    [0, '0 B'],
    [512, '512 B'],
    [1_024, '1 KB'],
    [12_600, '12.3 KB'],
    [1_048_575, '1 MB'],
    [5e9, '4.66 GB'],
  ])('as a size: %d bytes', (value, text) => expect(plain(formatBytes(value))).toBe(text))

  it('as a share and an amount', () => {
    expect(plain(formatPercent(0.256))).toBe('25.6 %')
    expect(formatAmount(1, 'request')).toBe('1 request')
    expect(plain(formatAmount(1_234, 'entry', 'entries'))).toBe('1 234 entries')
  })

  it('as a time in the time zone of the reader', () => {
    const at = new Date(2026, 2, 1, 4, 5, 9, 12)
    expect(formatTime(at.getTime())).toBe('04:05:09')
    expect(formatTime(at.toISOString(), { withMs: true })).toBe('04:05:09.012')
    expect(formatDateTime(at.getTime())).toBe('2026-03-01 04:05:09')
  })

  it.each([undefined, null, Number.NaN, Number.POSITIVE_INFINITY])(
    'as a dash without a value: %s',
    (value) => {
      for (const format of [
        formatCount,
        formatShort,
        formatDigits,
        formatDuration,
        formatBytes,
        formatPercent,
        formatTime,
        formatDateTime,
      ]) {
        expect(format(value)).toBe(missing)
      }
      expect(formatTime('no time')).toBe(missing)
    },
  )
})
