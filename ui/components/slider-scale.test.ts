import { describe, expect, it } from 'vitest'
import { createScale, parseNumber } from './slider-scale.ts'

describe.each(['linear', 'log'] as const)('a %s scale', (kind) => {
  it.each([
    [0, 100, 1],
    [0, 1, 0.01],
    [1, 1_000_000, 1],
    [-5, 5, 0.5],
    [7, 7, 1],
  ])('from %d to %d in steps of %d has both ends and never turns back', (min, max, step) => {
    const scale = createScale(kind, min, max, step)
    expect(scale.valueAt(0)).toBe(min)
    expect(scale.valueAt(1)).toBe(max)
    const values = Array.from({ length: 101 }, (_, index) => scale.valueAt(index / 100))
    expect(values).toEqual(values.toSorted((one, other) => one - other))
    for (const value of values) {
      expect(value).toBeGreaterThanOrEqual(min)
      expect(value).toBeLessThanOrEqual(max)
      expect(Math.abs((value - min) / step - Math.round((value - min) / step))).toBeLessThan(1e-6)
    }
  })

  it('moves by each key, also from the ends', () => {
    const scale = createScale(kind, 0, 1_000, 1)
    for (const value of [0, 1, 10, 500]) {
      expect(scale.step(value, 'ArrowUp')).toBeGreaterThan(value)
      expect(scale.step(value, 'PageUp')).toBeGreaterThanOrEqual(scale.step(value, 'ArrowRight') ?? 0)
    }
    for (const value of [1, 10, 500, 1_000]) expect(scale.step(value, 'ArrowDown')).toBeLessThan(value)
    expect(scale.step(500, 'Home')).toBe(0)
    expect(scale.step(500, 'End')).toBe(1_000)
    expect(scale.step(0, 'ArrowLeft')).toBe(0)
    expect(scale.step(1_000, 'PageUp')).toBe(1_000)
    expect(scale.step(500, 'a')).toBeUndefined()
  })
})

describe('a logarithmic scale', () => {
  it('gives equal factors about equal room', () => {
    const scale = createScale('log', 0, 1_000_000, 1)
    expect(scale.positionOf(1_000)).toBeCloseTo(0.5, 1)
    expect(scale.valueAt(scale.positionOf(4_000))).toBe(4_000)
  })
})

describe('a typed number', () => {
  it.each([
    ['12', 12],
    [' 1 200 ', 1_200],
    ['1\u202f200', 1_200],
    ['0,5', 0.5],
    ['.5', 0.5],
    ['1e3', 1_000],
    ['-2', -2],
  ])('is read: %j', (text, value) => expect(parseNumber(text)).toBe(value))

  it.each(['', ' ', 'abc', '1.2.3', '0x10', '1,2,3', '--1', 'Infinity', '1e999', '12px'])(
    'is refused: %j',
    (text) => expect(parseNumber(text)).toBeUndefined(),
  )
})
