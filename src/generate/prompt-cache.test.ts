import { describe, expect, it } from 'vitest'
import { loadEncoding } from '../tokens/encoding.ts'
import { type CacheablePrompt, PromptCache } from './prompt-cache.ts'

const encoding = loadEncoding('o200k_base')
const count = (text: string): number => encoding.count(text)

/** Returns distinct texts of 9 tokens each. */
const words = (from: number, to: number): string =>
  Array.from(
    { length: to - from },
    (_, index) => ` the quick brown fox jumps over ${1_000 + from + index}`,
  ).join('')

function prompt(texts: readonly string[], changes: Partial<CacheablePrompt> = {}): CacheablePrompt {
  const tokens = texts.reduce((sum, text) => sum + count(text), 0)
  const base = { resource: 'default', deployment: 'chat', key: '', retention: 'in_memory' } as const
  return { ...base, texts, breakpoints: undefined, tokens, count, ...changes }
}

/** Tokens of the prompt that are read from the cache. */
const read = (cache: PromptCache, used: CacheablePrompt, nowMs = 0): number => cache.use(used, nowMs).read
const MINUTE = 60_000

describe('prompt cache', () => {
  it('returns the tokens of a repeated prompt in steps of 128', () => {
    const cache = new PromptCache()
    const long = prompt(['<system>', words(0, 200)])
    expect(read(cache, long, 0)).toBe(0)
    expect(read(cache, long, 1_000)).toBe(long.tokens - (long.tokens % 128))
  })

  it('returns the common prefix of a prompt, accurate to a block', () => {
    const cache = new PromptCache()
    const prefix = words(0, 200)
    cache.use(prompt(['<system>', prefix, '<user>', 'What is this?']), 0)
    const other = read(cache, prompt(['<system>', prefix, '<user>', `And that? ${words(500, 560)}`]))
    expect(other % 128).toBe(0)
    expect(other).toBeGreaterThan(count(prefix) - 256)
    expect(other).toBeLessThanOrEqual(count(prefix) + 8)
    const within = read(cache, prompt(['<system>', prefix + words(600, 700)]))
    expect(within).toBeGreaterThan(count(prefix) - 384)
    expect(within).toBeLessThanOrEqual(count(prefix))
  })

  it('returns 0 for a prefix or a prompt below 1,024 tokens', () => {
    const cache = new PromptCache()
    const short = prompt([words(0, 110)])
    expect(short.tokens).toBeLessThan(1_024)
    cache.use(short, 0)
    expect(read(cache, short, 0)).toBe(0)
    const half = words(0, 60)
    cache.use(prompt([half + words(200, 300)]), 0)
    expect(read(cache, prompt([half + words(300, 400)]), 0)).toBe(0)
  })

  it('returns 0 if the start differs, even if a long rest is equal', () => {
    const cache = new PromptCache()
    cache.use(prompt(['a', words(0, 200)]), 0)
    expect(read(cache, prompt(['b', words(0, 200)]), 0)).toBe(0)
    expect(read(cache, prompt([`a${words(0, 200)}`]), 0)).toBe(0)
  })

  it('separates deployments', () => {
    const cache = new PromptCache()
    cache.use(prompt([words(0, 200)], { deployment: 'a' }), 0)
    expect(read(cache, prompt([words(0, 200)], { deployment: 'b' }))).toBe(0)
  })

  it('keeps a prefix in memory for five to ten minutes after its last use', () => {
    const expiry = (first: number): number => {
      const cache = new PromptCache()
      const long = prompt([words(first, first + 200)])
      cache.use(long, 0)
      for (const minute of [4, 8, 12]) expect(read(cache, long, minute * MINUTE)).toBeGreaterThan(1_024)
      let idle = 0
      const isKept = (minutes: number): boolean => {
        const copy = new PromptCache()
        copy.use(long, 0)
        return read(copy, long, minutes * MINUTE) > 0
      }
      while (isKept(idle + 0.5)) idle += 0.5
      return idle
    }
    const times = [0, 300, 600, 900, 1_200, 1_500, 1_800, 2_100].map(expiry)
    expect(Math.min(...times)).toBeGreaterThanOrEqual(5)
    expect(Math.max(...times)).toBeLessThanOrEqual(10)
    expect(new Set(times).size).toBeGreaterThan(2)
  })

  it('keeps a prefix for 24 hours with extended retention', () => {
    const cache = new PromptCache()
    const long = prompt([words(0, 200)], { retention: '24h' })
    cache.use(long, 0)
    expect(read(cache, long, 23 * 60 * MINUTE)).toBeGreaterThan(1_024)
    expect(read(cache, long, 48 * 60 * MINUTE)).toBe(0)
  })

  it('separates keys', () => {
    const cache = new PromptCache()
    cache.use(prompt([words(0, 200)], { key: 'a' }), 0)
    expect(read(cache, prompt([words(0, 200)], { key: 'b' }))).toBe(0)
    expect(read(cache, prompt([words(0, 200)], { key: 'a' }))).toBeGreaterThan(1_024)
  })

  it('sends requests over 15 a minute with the same start and key to machines with separate caches', () => {
    const cache = new PromptCache()
    const misses = (key: string, atMs: number): number[] =>
      Array.from({ length: 40 }, () => read(cache, prompt([words(0, 200)], { key }), atMs)).flatMap(
        (tokens, index) => (tokens === 0 ? [index] : []),
      )
    expect(misses('a', 0)).toEqual([0, 15, 30])
    expect(misses('b', 0)).toEqual([0, 15, 30])
    expect(misses('a', MINUTE)).toEqual([])
  })

  it('returns a miss without a hit, and stores the prompt', () => {
    const cache = new PromptCache()
    const long = prompt([words(0, 200)])
    cache.use(long, 0)
    expect(cache.use(long, 0, false)).toEqual({ read: 0, written: long.tokens - 3 })
    expect(read(cache, long)).toBeGreaterThan(1_024)
  })

  it('writes all but three tokens of a new prompt, then only what is new', () => {
    const cache = new PromptCache()
    const first = prompt(['<system>', words(0, 200)])
    expect(cache.use(first, 0)).toEqual({ read: 0, written: first.tokens - 3 })
    expect(cache.use(first, 0).written).toBe(0)
    const longer = prompt([...first.texts, '<user>', words(500, 520)])
    expect(cache.use(longer, 0).written).toBe(longer.tokens - first.tokens - 3)
    expect(cache.use(prompt([words(0, 60)]), 0)).toEqual({ read: 0, written: 0 })
  })

  it('reads and writes exactly up to the breakpoints', () => {
    const cache = new PromptCache()
    const prefix = words(0, 200)
    const asked = (question: string, breakpoints: readonly number[]) =>
      cache.use(prompt(['<system>', prefix, '<user>', question], { breakpoints }), 0)
    const tokens = count('<system>') + count(prefix)
    expect(asked('one', [2])).toEqual({ read: 0, written: tokens })
    expect(asked('two', [2])).toEqual({ read: tokens, written: 0 })
    expect(asked('three', [])).toEqual({ read: 0, written: 0 })
    expect(asked('four', [1])).toEqual({ read: 0, written: 0 })
  })

  it('estimates a long new suffix by its length', () => {
    const cache = new PromptCache()
    const prefix = words(0, 400)
    cache.use(prompt([prefix]), 0)
    const cached = read(cache, prompt([prefix + words(5_000, 6_000)]))
    expect(Math.abs(cached - count(prefix))).toBeLessThan(300)
  })
})
