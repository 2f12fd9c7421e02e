import { describe, expect, it } from 'vitest'
import { createRandom } from '../lib/random.ts'
import { loadEncoding } from '../tokens/encoding.ts'
import { makePrompt } from './load-request.ts'

describe('a prompt', () => {
  it.each([1, 2, 7, 100, 5_000])('a prompt of %i tokens has this size in both encodings', (tokens) => {
    const random = createRandom('prompts')
    const counts = Array.from({ length: 20 }, () => makePrompt(tokens, random)).flatMap((text) => [
      loadEncoding('o200k_base').count(text),
      loadEncoding('cl100k_base').count(text),
    ])
    expect(new Set(counts)).toEqual(new Set([tokens]))
  })

  it('prompts share no prefix that a prompt cache could serve', () => {
    const random = createRandom('prompts')
    const beginnings = Array.from({ length: 100 }, () => makePrompt(100, random).slice(0, 20))
    expect(new Set(beginnings).size).toBeGreaterThan(95)
  })
})
