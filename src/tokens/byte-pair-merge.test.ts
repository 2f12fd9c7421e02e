import o200kBase from 'js-tiktoken/ranks/o200k_base'
import { describe, expect, it } from 'vitest'
import { createRandom } from '../lib/random.ts'
import { mergeBytePairs, mergeLongPreToken } from './byte-pair-merge.ts'
import { bundledRanks, createRankTable } from './rank-table.ts'

const table = createRankTable(bundledRanks(o200kBase.bpe_ranks), o200kBase.special_tokens)

describe('mergeBytePairs', () => {
  it('returns one token for the bytes of a token', () => {
    expect(mergeBytePairs(' hello', table)).toEqual([table.rankOf(' hello')])
    expect(mergeBytePairs('\x00', table)).toEqual([table.rankOf('\x00')])
  })

  it('returns the same tokens by scan and by heap', () => {
    const random = createRandom('merge')
    for (let i = 0; i < 5_000; i++) {
      const spread = 1 + random.below(60)
      const bytes = Array.from({ length: 2 + random.below(125) }, () => 65 + random.below(spread))
      const preToken = String.fromCharCode(...bytes)
      if (table.rankOf(preToken) >= 0) continue
      expect(mergeBytePairs(preToken, table)).toEqual(mergeLongPreToken(preToken, table))
    }
  })
})

describe('createRankTable', () => {
  it('has every token of the vocabulary once', () => {
    expect(table.size).toBe(199_998)
    const ranks = Array.from({ length: table.size }, (_, rank) => rank)
    expect(ranks.filter((rank) => table.rankOf(table.bytesOf(rank) ?? '') !== rank)).toEqual([])
  })

  it('uses the first rank of each run', () => {
    const few = createRankTable(bundledRanks('! 0 YQ== YmM=\n! 10 /w=='), { end: 20 })
    expect(['a', 'bc', '\xff'].map((bytes) => few.rankOf(bytes))).toEqual([0, 1, 10])
    expect([0, 1, 10, 20].map((rank) => few.bytesOf(rank))).toEqual(['a', 'bc', '\xff', 'end'])
    expect([2, 9, 11, 21].map((rank) => few.bytesOf(rank))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
    expect(['', 'b', 'abc', 'end'].map((bytes) => few.rankOf(bytes))).toEqual([-1, -1, -1, -1])
  })

  it('finds a token within other bytes', () => {
    const few = createRankTable(bundledRanks('! 0 YQ== YmM='), {})
    expect(few.rankOf('xbcx', 1, 3)).toBe(1)
    expect(few.rankOf('xbcx', 1, 2)).toBe(-1)
  })
})
