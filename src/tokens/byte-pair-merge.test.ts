import o200kBase from 'js-tiktoken/ranks/o200k_base'
import { describe, expect, it } from 'vitest'
import { createRandom } from '../lib/random.ts'
import { mergeBytePairs, mergeLongPreToken } from './byte-pair-merge.ts'
import { createRankTable, readVocabulary } from './rank-table.ts'

const table = createRankTable(readVocabulary(o200kBase.bpe_ranks), o200kBase.special_tokens)

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
