import { describe, expect, it } from 'vitest'
import { createRandom } from '../../lib/random.ts'
import { floatLines } from './write-embeddings.ts'

const printed = (value: number): string => floatLines(Float32Array.of(value)).trim()

describe('floatLines', () => {
  it('prints each number on a line, indented by eight spaces', () => {
    expect(floatLines(Float32Array.of(0.5, -0.25))).toBe('        0.5,\n        -0.25')
  })

  it.each([
    [-0.0046182093, '-0.0046182093'],
    [0.1, '0.1'],
    [0, '0'],
    [1, '1'],
    [-1, '-1'],
    [0.0000123, '0.0000123'],
    [1e-10, '1e-10'],
    [0.099999999, '0.1'],
  ])('prints %d as %s', (value, text) => {
    expect(printed(value)).toBe(text)
  })

  it('prints the same digits as toPrecision(8) for numbers of all magnitudes', () => {
    const random = createRandom('floats')
    for (let i = 0; i < 20_000; i++) {
      const value = Math.fround((random.unit() - 0.5) * 10 ** -Math.floor(random.unit() * 6))
      const expected = Number(value.toPrecision(8))
      expect(Math.abs(Number(printed(value)) - expected)).toBeLessThanOrEqual(Math.abs(expected) * 1.01e-8)
    }
  })
})
