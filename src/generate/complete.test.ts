import { describe, expect, it } from 'vitest'
import { endAtStop } from './complete.ts'

const pieces = ['Lorem', ' ipsum', ' dolor', '.', ' Sed', ' sit', '.']

describe('stop texts', () => {
  it('end the text before them, and their own tokens are unseen', () => {
    expect(endAtStop(pieces, ['.'])).toEqual({ pieces: ['Lorem', ' ipsum', ' dolor'], hiddenTokens: 1 })
  })

  it('are found where they lie across pieces', () => {
    expect(endAtStop(pieces, ['olor. S'])).toEqual({ pieces: ['Lorem', ' ipsum', ' d'], hiddenTokens: 2 })
  })

  it('may cut a piece, of which the beginning is seen', () => {
    expect(endAtStop(pieces, ['ipsum'])).toEqual({ pieces: ['Lorem', ' '], hiddenTokens: 0 })
  })

  it('leave nothing when the text begins with them', () => {
    expect(endAtStop(pieces, ['Lorem'])).toEqual({ pieces: [], hiddenTokens: 1 })
  })

  it('take effect in the order in which the model completes them', () => {
    expect(endAtStop(pieces, [' sit', ' dolor. Sed', ' Sed'])?.pieces.join('')).toBe('Lorem ipsum')
    expect(endAtStop(pieces, ['ipsum dolor.', 'dolor'])?.pieces.join('')).toBe('Lorem ipsum ')
  })

  it('change nothing where they do not occur or are empty', () => {
    expect(endAtStop(pieces, ['\n', '', 'lorem'])).toBeUndefined()
    expect(endAtStop([], ['.'])).toBeUndefined()
  })
})
