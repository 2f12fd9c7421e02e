import o200kBase from 'js-tiktoken/ranks/o200k_base'
import { describe, expect, it } from 'vitest'
import { createRankTable, readVocabulary, renderTokenFile } from './rank-table.ts'

const table = createRankTable(readVocabulary(o200kBase.bpe_ranks), o200kBase.special_tokens)

describe('createRankTable', () => {
  it('has every token of the vocabulary once', () => {
    expect(table.size).toBe(199_998)
    const ranks = Array.from({ length: table.size }, (_, rank) => rank)
    expect(ranks.filter((rank) => table.rankOf(table.bytesOf(rank) ?? '') !== rank)).toEqual([])
  })

  it.each([
    ['a run', '! 0 YQ== YmM= /w=='],
    ['a run with a line break at the end', '! 0 YQ== YmM= /w==\n'],
    ['lines', 'YQ== 0\nYmM= 1\n/w== 2\n'],
    ['lines without a line break at the end', 'YQ== 0\nYmM= 1\n/w== 2'],
  ])('reads %s', (_, text) => {
    const few = createRankTable(readVocabulary(text), { end: 20 })
    expect(few.size).toBe(3)
    expect(['a', 'bc', '\xff'].map((bytes) => few.rankOf(bytes))).toEqual([0, 1, 2])
    expect([0, 1, 2, 20].map((rank) => few.bytesOf(rank))).toEqual(['a', 'bc', '\xff', 'end'])
    for (const unused of [-1, 0.5, 3, 4, 21]) expect(few.bytesOf(unused)).toBeUndefined()
    for (const bytes of ['', 'b', 'abc', 'end']) expect(few.rankOf(bytes)).toBe(-1)
    expect(few.ranksOfPairs[0x6263]).toBe(1)
  })

  it.each(['! 0 YQ==\n! 10 /w==', '! 5 YQ==', 'YQ== 0\n\n/w== 1\n'])(
    'refuses ranks without a token: %j',
    (text) => {
      expect(() => readVocabulary(text)).toThrow('is not base64')
    },
  )

  it('finds a token within other bytes', () => {
    const few = createRankTable(readVocabulary('! 0 YQ== YmM='), {})
    expect(few.rankOf('xbcx', 1, 3)).toBe(1)
    expect(few.rankOf('xbcx', 1, 2)).toBe(-1)
  })
})

it('renderTokenFile renders a line for each token', () => {
  expect(renderTokenFile(createRankTable(readVocabulary('! 0 YQ== YmM= /w=='), {}))).toBe(
    'YQ== 0\nYmM= 1\n/w== 2\n',
  )
})
