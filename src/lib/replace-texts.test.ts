import { describe, expect, it } from 'vitest'
import { createRandom } from './random.ts'
import { createReplaceTexts } from './replace-texts.ts'

const random = createRandom('texts')
const textOf = (length: number): string =>
  Array.from({ length }, () => 'abc$'.charAt(random.below(4))).join('')

describe('createReplaceTexts', () => {
  it.each([3, 300])('replaces what a search for each of %i texts replaces', (count) => {
    const texts = Array.from({ length: count }, () => textOf(8 + random.below(4)))
    const replace = createReplaceTexts(texts, '#')
    for (let round = 0; round < 200; round++) {
      const parts = Array.from({ length: 5 }, () =>
        random.below(2) === 0 ? textOf(random.below(30)) : (texts[random.below(count)] ?? ''),
      )
      const input = parts.join('-')
      const output = replace(input)
      expect(texts.filter((text) => output.includes(text))).toEqual([])
      const hidden = new Set(texts.filter((text) => input.includes(text)))
      expect(output.includes('#')).toBe(hidden.size > 0)
    }
  })

  it('prefers the longest text, finds short ones, and leaves other inputs as they are', () => {
    const many = Array.from({ length: 100 }, (_, index) => `text-number-${index}`)
    const replace = createReplaceTexts([...many, 'short', '', 'text-number-9-longer'], '$&')
    expect(replace('text-number-9-longer text-number-99 short')).toBe('$& $& $&')
    expect(replace('xtext-number-7text-number-8')).toBe('x$&$&')
    expect(replace('text-numbe')).toBe('text-numbe')
    expect(replace('')).toBe('')
  })
})
