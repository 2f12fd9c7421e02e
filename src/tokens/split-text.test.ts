import cl100kBase from 'js-tiktoken/ranks/cl100k_base'
import o200kBase from 'js-tiktoken/ranks/o200k_base'
import { describe, expect, it } from 'vitest'
import { createRandom } from '../lib/random.ts'
import { compileSplitPattern, splitText } from './encoding.ts'

const parts = [
  'a',
  'Ab',
  "'s",
  "'",
  "'ll",
  ' ',
  '  ',
  '\n',
  '\r\n',
  ' \n ',
  '中',
  '中A',
  '😀',
  '12',
  '1',
  '!',
  '//',
  'é',
]

describe.each([
  ['cl100k_base', cl100kBase.pat_str],
  ['o200k_base', o200kBase.pat_str],
])('splitText with the pattern of %s', (_, source) => {
  const pattern = compileSplitPattern(source)

  it('returns the same pre-tokens with and without windows', () => {
    const random = createRandom(source)
    for (let i = 0; i < 3_000; i++) {
      let text = ''
      for (let count = 0; count < 60; count++) text += parts[random.below(parts.length)] as string
      // All pre-tokens are shorter than the window.
      const preTokens = text.match(pattern) ?? []
      const window = 3 * Math.max(...preTokens.map((preToken) => preToken.length)) + random.below(20)
      expect([...splitText(text, pattern, window)].flat()).toEqual(preTokens)
    }
  })

  it('cuts a pre-token longer than a window, but never a surrogate pair', () => {
    const pieces = [...splitText('😀'.repeat(100), pattern, 15)].flat()
    expect(pieces.join('')).toBe('😀'.repeat(100))
    expect(pieces.every((piece) => piece.length % 2 === 0)).toBe(true)
  })

  it('splits a run that overflows the stack of the regular expression', () => {
    const text = '中'.repeat(8_000_000)
    expect(() => text.match(pattern)).toThrow('Maximum call stack size exceeded')
    expect([...splitText(text, pattern)].flat().join('') === text).toBe(true)
  })

  it('treats U+0085 as white space, and U+FEFF not', () => {
    expect('a\u0085\u0085b'.match(pattern)).toEqual(['a', '\u0085', '\u0085b'])
    expect('!\ufeff!'.match(pattern)).toEqual(['!\ufeff!'])
  })
})
