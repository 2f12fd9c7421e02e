import { describe, expect, it } from 'vitest'
import { loadEncoding } from './encoding.ts'
import { pieceTable } from './piece-table.ts'

const { textStarts, sentenceStarts, words, comma, fullStop } = pieceTable
const spaced = [...sentenceStarts, ...words]
const all = [...textStarts, ...spaced, comma, fullStop]

describe.each(['cl100k_base', 'o200k_base'] as const)('pieceTable in %s', (name) => {
  const encoding = loadEncoding(name)

  it('has pieces of one token each', () => {
    expect(all.filter((piece) => encoding.encode(piece).length !== 1)).toEqual([])
  })

  it('keeps a word one token after any other piece', () => {
    const broken = all.flatMap((left) =>
      spaced.filter((right) => encoding.encode(left + right).length !== 2).map((right) => left + right),
    )
    expect(broken).toEqual([])
  })

  it('keeps punctuation one token after any word', () => {
    const broken = [...textStarts, ...spaced].flatMap((left) =>
      [comma, fullStop]
        .filter((right) => encoding.encode(left + right).length !== 2)
        .map((right) => left + right),
    )
    expect(broken).toEqual([])
  })
})

describe('pieceTable', () => {
  it('is ASCII that JSON does not escape', () => {
    expect(all.filter((piece) => !/^[ -~]+$/.test(piece) || JSON.stringify(piece) !== `"${piece}"`)).toEqual(
      [],
    )
  })

  it('has each word once', () => {
    for (const pieces of [textStarts, sentenceStarts, words]) expect(new Set(pieces).size).toBe(pieces.length)
  })

  it('has a leading space in all pieces except text starts and punctuation', () => {
    expect(spaced.filter((piece) => !/^ [A-Za-z][a-z]*$/.test(piece))).toEqual([])
    expect(textStarts.filter((piece) => !/^[A-Z][a-z]*$/.test(piece))).toEqual([])
  })
})
