import { expect, it } from 'vitest'
import { readVocabulary } from './rank-table.ts'
import { packEncoding, unpackEncoding } from './packed-encodings.ts'

const encoding = {
  vocabulary: readVocabulary('! 0 YQ== YmM= /w=='),
  splitPattern: '\\p{L}+|[^\u0131]',
  specialTokens: { '<|end|>': 20 },
}

it('unpackEncoding returns the encoding that was packed', () => {
  expect(unpackEncoding(packEncoding(encoding))).toEqual(encoding)
})

it('unpackEncoding reads what a machine with the other byte order has packed', () => {
  const { ranksOfPairs, ends, slots } = encoding.vocabulary
  const packed = packEncoding(encoding)
  packed.subarray(0, 4 * (5 + ranksOfPairs.length + ends.length + slots.length)).swap32()
  expect(unpackEncoding(packed)).toEqual(encoding)
})
