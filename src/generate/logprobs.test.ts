import { describe, expect, it } from 'vitest'
import { createRandom } from '../lib/random.ts'
import { boundedTop, logprobsPieces } from './logprobs.ts'

interface Token {
  bytes: number[]
  logprob: number
  token: string
}

const pieces = Array.from({ length: 300 }, (_, index) => [' dolor', ' lorem', '.', 'Ut'][index % 4] ?? '')

function draw(top: number): (Token & { top_logprobs: Token[] })[] {
  const json = [...logprobsPieces(pieces, { top, random: createRandom('logprobs') })].join('')
  const { content } = JSON.parse(json) as { content: (Token & { top_logprobs: Token[] })[] }
  return content
}

describe('logprobsPieces', () => {
  it('writes each token with its bytes and a probability of at most 1', () => {
    const content = draw(0)
    expect(content.map((entry) => entry.token)).toEqual(pieces)
    for (const entry of content) {
      expect(Object.keys(entry)).toEqual(['bytes', 'logprob', 'token', 'top_logprobs'])
      expect(Buffer.from(entry.bytes).toString()).toBe(entry.token)
      expect(entry.logprob).toBeLessThanOrEqual(0)
      expect(entry.top_logprobs).toEqual([])
    }
  })

  it.each([1, 2, 5, 20])(
    'lists %i different tokens in descending probability, including the written one',
    (top) => {
      for (const { top_logprobs: list, token, logprob } of draw(top)) {
        expect(list).toHaveLength(top)
        expect(new Set(list.map((entry) => entry.token)).size).toBe(top)
        const logprobs = list.map((entry) => entry.logprob)
        expect(logprobs).toEqual(logprobs.toSorted((a, b) => b - a))
        expect(list.find((entry) => entry.token === token)?.logprob).toBe(logprob)
        expect(logprobs.reduce((sum, value) => sum + Math.exp(value), 0)).toBeLessThanOrEqual(1.000_001)
      }
    },
  )

  it('chooses the most likely token usually, and another one sometimes', () => {
    const likeliest = draw(5).filter(({ top_logprobs: list, token }) => list[0]?.token === token)
    expect(likeliest.length / pieces.length).toBeGreaterThan(0.75)
    expect(likeliest.length / pieces.length).toBeLessThan(0.95)
  })

  it('lists fewer alternatives in a very large answer', () => {
    expect(boundedTop(20, 1_000)).toBe(20)
    expect(boundedTop(20, 2_000_000)).toBe(1)
    expect(boundedTop(0, 2_000_000)).toBe(0)
  })
})
