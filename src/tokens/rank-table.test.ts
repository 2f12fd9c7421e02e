import { expect, it } from 'vitest'
import { parseBundledRanks, parseTokenFile, renderTokenFile } from './rank-table.ts'

it('renderTokenFile writes a line for each token, and parseTokenFile reads it', () => {
  const runs = parseBundledRanks('! 0 YQ== YmM=\n! 10 /w==')
  const text = renderTokenFile(runs)
  expect(text).toBe('YQ== 0\nYmM= 1\n/w== 10\n')
  expect(parseTokenFile(text)).toEqual(runs)
})
