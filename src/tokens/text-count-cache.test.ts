import { describe, expect, it } from 'vitest'
import { createTextCountCache } from './encoding.ts'

const mustNotCount = (): number => {
  throw new Error('counted again')
}

describe('createTextCountCache', () => {
  it('counts a repeated text twice, then uses the cached count', () => {
    const cache = createTextCountCache()
    const text = 'a system prompt '.repeat(50)
    expect(cache.get(text, () => 7)).toBe(7)
    expect(cache.get(text, () => 7)).toBe(7)
    expect(cache.get(Buffer.from(text).toString(), mustNotCount)).toBe(7)
  })

  it('does not cache a text that occurs once', () => {
    const cache = createTextCountCache()
    for (let i = 0; i < 1_000; i++) cache.get(`prompt ${i}`, () => 2)
    expect(cache.size).toBe(0)
  })

  it('distinguishes texts that differ in one character', () => {
    const cache = createTextCountCache()
    const base = 'x'.repeat(1_000)
    for (let at = 0; at < base.length; at++) {
      const text = `${base.slice(0, at)}y${base.slice(at + 1)}`
      for (let time = 0; time < 2; time++) expect(cache.get(text, () => at)).toBe(at)
    }
  })

  it('limits the memory of its texts', () => {
    const cache = createTextCountCache(10_000)
    for (let i = 0; i < 1_000; i++) {
      const text = `${i} `.repeat(100)
      for (let time = 0; time < 2; time++) cache.get(text, () => i)
    }
    expect(cache.size).toBeGreaterThan(0)
    expect(cache.size).toBeLessThan((2 * 10_000) / 400)
  })

  it('does not cache a text of more than 500,000 characters', () => {
    const cache = createTextCountCache()
    for (let time = 0; time < 3; time++) cache.get('x'.repeat(500_001), () => 1)
    expect(cache.size).toBe(0)
  })
})
