import { describe, expect, it } from 'vitest'
import { loadEncoding } from './encoding.ts'

describe.each(['cl100k_base', 'o200k_base'] as const)('loadEncoding(%s)', (name) => {
  const encoding = loadEncoding(name)

  it('loads an encoding once', () => {
    expect(loadEncoding(name)).toBe(encoding)
    expect(encoding.name).toBe(name)
  })

  it('counts 0 tokens for an empty text', () => {
    expect(encoding.count('')).toBe(0)
    expect(encoding.encode('')).toEqual([])
    expect(encoding.decode([])).toBe('')
  })

  it('encodes the text of a special token as ordinary text', () => {
    const text = 'before <|endoftext|> after <|endofprompt|>'
    expect(encoding.count(text)).toBeGreaterThan(10)
    expect(Math.max(...encoding.encode(text))).toBeLessThan(name === 'cl100k_base' ? 100_256 : 199_998)
    expect(encoding.decode(encoding.encode(text))).toBe(text)
  })

  it('decodes a special token, and ignores invalid tokens', () => {
    expect(encoding.decode([name === 'cl100k_base' ? 100_257 : 199_999])).toBe('<|endoftext|>')
    expect(encoding.decode([-1, 1e9, 0.5])).toBe('')
  })

  it('returns the text of each token, with a split character in the token that completes it', () => {
    for (const text of ['', 'plain text', 'Grüß 𓀀🙂👩‍👩‍👧‍👦 漢字 \u0000', 'a\ud800b']) {
      const pieces = encoding.pieces(text)
      expect(pieces).toHaveLength(encoding.count(text))
      expect(pieces.join('')).toBe(text.replace(/[\ud800-\udfff]/gu, '\ufffd'))
    }
    expect(encoding.pieces('𓀀').slice(0, -1).join('')).toBe('')
  })

  it('counts a lone surrogate as U+FFFD', () => {
    for (const text of [
      '\ud800',
      'a\udc00b',
      '\ud83d \ude00',
      `${'long enough to be remembered '.repeat(3)}\ud800`,
    ]) {
      const replaced = text.replace(/[\ud800-\udfff]/gu, '\ufffd')
      expect(encoding.encode(text)).toEqual(encoding.encode(replaced))
      for (let time = 0; time < 3; time++) expect(encoding.count(text)).toBe(encoding.count(replaced))
    }
  })

  it('counts a repeated text with the same result', () => {
    const text = 'You are a helpful assistant that answers in short sentences. '.repeat(10)
    const counts = Array.from({ length: 5 }, () => encoding.count(text))
    expect(new Set(counts)).toEqual(new Set([encoding.encode(text).length]))
  })
})

it('loadEncoding counts the prompts of captured requests like the service', () => {
  expect(loadEncoding('cl100k_base').count('Tell me a joke about opentelemetry')).toBe(15 - 7)
  expect(loadEncoding('o200k_base').count('Tell me a joke about opentelemetry')).toBe(16 - 7)
})
