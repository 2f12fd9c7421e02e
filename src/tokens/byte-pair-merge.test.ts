import o200kBase from 'js-tiktoken/ranks/o200k_base'
import { describe, expect, it } from 'vitest'
import { createRandom } from '../platform/random.ts'
import { mergeBytePairs } from './byte-pair-merge.ts'
import { mergeLongPreToken } from './long-pre-token.ts'
import { parseBundledRanks } from './rank-run.ts'
import { createRankTable } from './rank-table.ts'

const table = createRankTable(parseBundledRanks(o200kBase.bpe_ranks), o200kBase.special_tokens)

describe('mergeBytePairs', () => {
  it('gives one token for bytes that are one', () => {
    expect(mergeBytePairs(' hello', table)).toEqual([table.ranks.get(' hello')])
    expect(mergeBytePairs('\x00', table)).toEqual([table.ranks.get('\x00')])
  })

  it('merges short pre-tokens by scan as it does long ones by heap', () => {
    const random = createRandom('merge')
    for (let i = 0; i < 5_000; i++) {
      const spread = 1 + random.below(60)
      const bytes = Array.from({ length: 2 + random.below(125) }, () => 65 + random.below(spread))
      const preToken = String.fromCharCode(...bytes)
      if (table.ranks.has(preToken)) continue
      expect(mergeBytePairs(preToken, table)).toEqual(mergeLongPreToken(preToken, table))
    }
  })
})

describe('createRankTable', () => {
  it('reads every token of the vocabulary once', () => {
    expect(table.ranks.size).toBe(199_998)
    expect([...table.ranks].filter(([bytes, rank]) => table.bytesOf[rank] !== bytes)).toEqual([])
  })

  it('follows the rank that each run starts with', () => {
    const { ranks, bytesOf } = createRankTable(parseBundledRanks('! 0 YQ== YmM=\n! 10 /w=='), { end: 20 })
    expect([...ranks]).toEqual([
      ['a', 0],
      ['bc', 1],
      ['\xff', 10],
    ])
    expect(bytesOf[20]).toBe('end')
  })
})
