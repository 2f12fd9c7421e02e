import { describe, expect, it } from 'vitest'
import { loadEncoding } from '../tokens/encoding.ts'
import { readPrompts } from './completions.ts'

const encoding = loadEncoding('cl100k_base')
const text = 'Say 龘 and 🦙, then stop.'

describe('readPrompts', () => {
  it('accepts a text, texts, tokens and lists of tokens', () => {
    const tokens = encoding.encode(text)
    expect(readPrompts({ prompt: text }, encoding).map((prompt) => prompt.readText())).toEqual([text])
    expect(readPrompts({ prompt: [text, ''] }, encoding).map((prompt) => prompt.readText())).toEqual([
      text,
      '',
    ])
    expect(readPrompts({ prompt: tokens }, encoding).map((prompt) => prompt.readText())).toEqual([text])
    expect(readPrompts({ prompt: [tokens, tokens] }, encoding).map((prompt) => prompt.tokenCount)).toEqual([
      tokens.length,
      tokens.length,
    ])
  })

  it('uses the start-of-document token if there is no prompt', () => {
    const [prompt] = readPrompts({ prompt: null }, encoding)
    expect(prompt?.tokenCount).toBe(1)
    expect(prompt?.readTokens()).toEqual(['<|endoftext|>'])
  })

  it('returns a text of whole characters for each token, and the texts join to the prompt', () => {
    for (const input of [text, encoding.encode(text)]) {
      const [prompt] = readPrompts({ prompt: input }, encoding)
      const tokens = prompt?.readTokens() ?? []
      expect(tokens).toHaveLength(encoding.count(text))
      expect(tokens.join('')).toBe(text)
      expect(tokens.some((token) => token.includes('\uFFFD'))).toBe(false)
    }
  })

  it('accepts tokens that are not valid text, and numbers that are not tokens', () => {
    const [prompt] = readPrompts({ prompt: [255, 254, 253, 252, 251, 9_999_999, 64] }, encoding)
    expect(prompt?.readTokens()).toHaveLength(7)
  })
})
