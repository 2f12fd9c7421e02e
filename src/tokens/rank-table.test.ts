import { expect, it } from 'vitest'
import { bundledRanks, fileRanks, type RankFile, renderTokenFile } from './rank-table.ts'

function tokensOf({ text, forEach }: RankFile): [number, string][] {
  const tokens: [number, string][] = []
  forEach((rank, from, to) => tokens.push([rank, text.slice(from, to)]))
  return tokens
}

const tokens = [
  [0, 'YQ=='],
  [1, 'YmM='],
  [10, '/w=='],
]

it('bundledRanks visits the tokens of each run', () => {
  expect(tokensOf(bundledRanks('! 0 YQ== YmM=\n! 10 /w=='))).toEqual(tokens)
})

it('renderTokenFile writes a line for each token, and fileRanks reads it', () => {
  const text = renderTokenFile(bundledRanks('! 0 YQ== YmM=\n! 10 /w=='))
  expect(text).toBe('YQ== 0\nYmM= 1\n/w== 10\n')
  expect(tokensOf(fileRanks(text))).toEqual(tokens)
})
