import { describe, expect, it } from 'vitest'
import { createRandom } from '../lib/random.ts'
import { legacyLogprobsJson } from './stream-completion.ts'

interface Logprobs {
  tokens: string[]
  token_logprobs: (number | null)[]
  top_logprobs: (Record<string, number> | null)[] | null
  text_offset: number[]
}

const tokens = [' "a"', ' 🦙', ' lorem', '.']
const list = (offset: number, alternatives: number): Logprobs =>
  JSON.parse(legacyLogprobsJson({ tokens, offset }, alternatives, createRandom('x'))) as Logprobs

describe('legacyLogprobsJson', () => {
  it('writes the members of legacy completions in order', () => {
    expect(Object.keys(list(7, 1))).toEqual(['tokens', 'token_logprobs', 'top_logprobs', 'text_offset'])
  })

  it('counts offsets in code points', () => {
    expect(list(7, 1)).toMatchObject({ tokens, text_offset: [7, 11, 13, 19] })
  })

  it.each([1, 2, 5])('lists %i tokens at each position, the written one first and most likely', (count) => {
    const { token_logprobs: chosen, top_logprobs: top } = list(7, count)
    top?.forEach((entry, index) => {
      const logprobs = Object.values(entry ?? {})
      expect(logprobs).toHaveLength(count)
      expect(Object.keys(entry ?? {})[0]).toBe(tokens[index])
      expect(logprobs[0]).toBe(chosen[index])
      expect(logprobs).toEqual(logprobs.toSorted((a, b) => b - a))
    })
  })

  it('lists probabilities with a sum of at most 1', () => {
    for (const entry of list(7, 5).top_logprobs ?? []) {
      const sum = Object.values(entry ?? {}).reduce((total, logprob) => total + Math.exp(logprob), 0)
      expect(sum).toBeLessThanOrEqual(1)
    }
  })

  it('writes null for the first token of the text', () => {
    const { token_logprobs: chosen, top_logprobs: top } = list(0, 2)
    expect([chosen[0], top?.[0]]).toEqual([null, null])
    expect([chosen[1], top?.[1]]).not.toContain(null)
  })

  it('omits the list without alternatives', () => {
    expect(list(7, 0).top_logprobs).toBeNull()
    expect(list(7, 0).token_logprobs).not.toContain(null)
  })
})
