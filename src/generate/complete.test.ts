import { describe, expect, it } from 'vitest'
import { endAtStop } from './complete.ts'

const pieces = ['Lorem', ' ipsum', ' dolor', '.', ' Sed', ' sit', '.']

describe('endAtStop', () => {
  it('ends the text before the stop sequence and hides its tokens', () => {
    expect(endAtStop(pieces, ['.'])).toEqual({
      pieces: ['Lorem', ' ipsum', ' dolor'],
      hiddenTokens: 1,
      sequence: '.',
    })
  })

  it('finds a stop sequence across pieces', () => {
    expect(endAtStop(pieces, ['olor. S'])).toEqual({
      pieces: ['Lorem', ' ipsum', ' d'],
      hiddenTokens: 2,
      sequence: 'olor. S',
    })
  })

  it('keeps the start of a piece that contains a stop sequence', () => {
    expect(endAtStop(pieces, ['ipsum'])).toEqual({
      pieces: ['Lorem', ' '],
      hiddenTokens: 0,
      sequence: 'ipsum',
    })
  })

  it('returns no pieces if the text starts with a stop sequence', () => {
    expect(endAtStop(pieces, ['Lorem'])).toEqual({ pieces: [], hiddenTokens: 1, sequence: 'Lorem' })
  })

  it('applies the stop sequence that completes first', () => {
    expect(endAtStop(pieces, [' sit', ' dolor. Sed', ' Sed'])?.pieces.join('')).toBe('Lorem ipsum')
    expect(endAtStop(pieces, ['ipsum dolor.', 'dolor'])?.pieces.join('')).toBe('Lorem ipsum ')
  })

  it('returns undefined if no stop sequence occurs or all are empty', () => {
    expect(endAtStop(pieces, ['\n', '', 'lorem'])).toBeUndefined()
    expect(endAtStop([], ['.'])).toBeUndefined()
  })
})
