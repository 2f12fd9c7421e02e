import { describe, expect, it } from 'vitest'
import { loadEncoding } from '../tokens/encoding.ts'
import { PromptCache } from './prompt-cache.ts'

const encoding = loadEncoding('o200k_base')
const count = (text: string): number => encoding.count(text)

/** Returns distinct texts of 9 tokens each. */
const words = (from: number, to: number): string =>
  Array.from(
    { length: to - from },
    (_, index) => ` the quick brown fox jumps over ${1_000 + from + index}`,
  ).join('')

function prompt(texts: readonly string[], deployment = 'chat', resource = 'default') {
  return { resource, deployment, texts, tokens: texts.reduce((sum, text) => sum + count(text), 0), count }
}

describe('prompt cache', () => {
  it('returns the tokens of a repeated prompt in steps of 128', () => {
    const cache = new PromptCache()
    const long = prompt(['<system>', words(0, 200)])
    expect(cache.use(long, 0)).toBe(0)
    expect(cache.use(long, 1_000)).toBe(long.tokens - (long.tokens % 128))
  })

  it('returns the common prefix of a prompt, accurate to a block', () => {
    const cache = new PromptCache()
    const prefix = words(0, 200)
    cache.use(prompt(['<system>', prefix, '<user>', 'What is this?']), 0)
    const other = cache.use(prompt(['<system>', prefix, '<user>', `And that? ${words(500, 560)}`]), 0)
    expect(other % 128).toBe(0)
    expect(other).toBeGreaterThan(count(prefix) - 256)
    expect(other).toBeLessThanOrEqual(count(prefix) + 8)
    const within = cache.use(prompt(['<system>', prefix + words(600, 700)]), 0)
    expect(within).toBeGreaterThan(count(prefix) - 384)
    expect(within).toBeLessThanOrEqual(count(prefix))
  })

  it('returns 0 for a prefix or a prompt below 1,024 tokens', () => {
    const cache = new PromptCache()
    const short = prompt([words(0, 110)])
    expect(short.tokens).toBeLessThan(1_024)
    cache.use(short, 0)
    expect(cache.use(short, 0)).toBe(0)
    const half = words(0, 60)
    cache.use(prompt([half + words(200, 300)]), 0)
    expect(cache.use(prompt([half + words(300, 400)]), 0)).toBe(0)
  })

  it('returns 0 if the start differs, even if a long rest is equal', () => {
    const cache = new PromptCache()
    cache.use(prompt(['a', words(0, 200)]), 0)
    expect(cache.use(prompt(['b', words(0, 200)]), 0)).toBe(0)
    expect(cache.use(prompt([`a${words(0, 200)}`]), 0)).toBe(0)
  })

  it('separates deployments', () => {
    const cache = new PromptCache()
    cache.use(prompt([words(0, 200)], 'a'), 0)
    expect(cache.use(prompt([words(0, 200)], 'b'), 0)).toBe(0)
  })

  it('expires a prefix that was not used for five minutes, and keeps a used one', () => {
    const cache = new PromptCache()
    const long = prompt([words(0, 200)])
    cache.use(long, 0)
    for (const minute of [4, 8, 12]) expect(cache.use(long, minute * 60_000)).toBeGreaterThan(1_024)
    expect(cache.use(long, 12 * 60_000 + 300_001)).toBe(0)
  })

  it('estimates a long new suffix by its length', () => {
    const cache = new PromptCache()
    const prefix = words(0, 400)
    cache.use(prompt([prefix]), 0)
    const cached = cache.use(prompt([prefix + words(5_000, 6_000)]), 0)
    expect(Math.abs(cached - count(prefix))).toBeLessThan(300)
  })
})
