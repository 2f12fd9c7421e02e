import { describe, expect, it } from 'vitest'
import { hashSamples, RepeatCache } from './caches.ts'

interface Made {
  readonly text: string
  shared: boolean
}

/** A cache of texts in which texts of equal length have the same hash. */
function createCache(maxEntryBytes = 100): {
  get: (text: string) => Made
  made: string[]
  size: () => number
} {
  const made: string[] = []
  const cache = new RepeatCache<string, Made>(
    {
      hash: (text) => text.length,
      equals: (cached, text) => cached === text,
      copy: (text) => text,
      weigh: (text) => text.length,
      share: (value) => Object.assign(value, { shared: true }),
    },
    1_000,
    maxEntryBytes,
  )
  return {
    get: (text) =>
      cache.get(text, () => {
        made.push(text)
        return { text, shared: false }
      }),
    made,
    size: () => cache.size,
  }
}

describe('RepeatCache', () => {
  it('caches a content that occurs for the second time', () => {
    const { get, made, size } = createCache()
    expect(get('a').shared).toBe(false)
    expect(size()).toBe(0)
    const second = get('a')
    expect(second.shared).toBe(true)
    expect(get('a')).toBe(second)
    expect(made).toEqual(['a', 'a'])
  })

  it('distinguishes contents with the same hash', () => {
    const { get } = createCache()
    for (const text of ['ab', 'ab', 'cd', 'ab', 'cd', 'cd', 'ab']) expect(get(text).text).toBe(text)
  })

  it('does not cache a content above the maximum entry size', () => {
    const { get, size } = createCache(2)
    for (let time = 0; time < 3; time++) expect(get('abc').shared).toBe(false)
    expect(size()).toBe(0)
  })
})

describe('hashSamples', () => {
  it('differs for other lengths and ends, and is an integer', () => {
    const hash = (text: string): number => hashSamples(text.length, (at) => text.charCodeAt(at))
    const hashes = ['', 'a', 'b', 'aa', 'ab', 'x'.repeat(1_000), `${'x'.repeat(999)}y`].map(hash)
    expect(new Set(hashes).size).toBe(hashes.length)
    expect(hashes.every((value) => Number.isInteger(value))).toBe(true)
  })
})
