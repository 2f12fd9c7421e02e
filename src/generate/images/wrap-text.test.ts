import { describe, expect, it } from 'vitest'
import { wrapText } from './draw-picture.ts'

describe('wrapText', () => {
  it('breaks lines between words, and within a word that is longer than a line', () => {
    expect(wrapText('one two three', 8, 9)).toEqual(['one two', 'three'])
    expect(wrapText('abcdefghij kl', 4, 9)).toEqual(['abcd', 'efgh', 'ij', 'kl'])
  })

  it('keeps line breaks', () => {
    expect(wrapText('a\r\nb\n\nc', 5, 9)).toEqual(['a', 'b', '', 'c'])
  })

  it('ends with three dots if lines are omitted', () => {
    expect(wrapText('one two three four', 8, 2)).toEqual(['one two', 'three...'])
  })

  it('counts characters, not code units', () => {
    expect(wrapText('😀😀😀', 2, 9)).toEqual(['😀😀', '😀'])
  })

  it('returns no lines if there is no room', () => {
    expect(wrapText('a', 0, 9)).toEqual([])
    expect(wrapText('a', 9, 0)).toEqual([])
  })
})
