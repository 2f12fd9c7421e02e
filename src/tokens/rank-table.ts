import type { RankRun } from './rank-run.ts'

/**
 * The vocabulary of an encoding. Bytes are latin1 strings, one character a byte: they hash and slice
 * natively.
 */
export interface RankTable {
  /** From the bytes of a token to its rank, which is also its number. */
  readonly ranks: ReadonlyMap<string, number>
  /**
   * From the number of a token to its bytes; special tokens stand here only, as prompts cannot spell them.
   */
  readonly bytesOf: readonly (string | undefined)[]
  /** The rank of each token of two bytes at index `first * 256 + second`, -1 where there is none. */
  readonly ranksOfPairs: Int32Array
  /** The rank of the token that is `bytes` from `start` to `end`, -1 where there is none. */
  rankWithin(bytes: string, start: number, end: number): number
}

/**
 * Makes the tables of a vocabulary.
 *
 * @param specialTokens the numbers of tokens that stand for themselves, by their texts
 */
export function createRankTable(
  runs: readonly RankRun[],
  specialTokens: Readonly<Record<string, number>>,
): RankTable {
  const ranks = new Map<string, number>()
  const bytesOf: (string | undefined)[] = []
  const ranksOfPairs = new Int32Array(0x1_0000).fill(-1)
  const filter = new Uint8Array(FILTER_SIZE)
  let longestToken = 0

  for (const run of runs) {
    let rank = run.first
    for (const token of decodeAll(run.tokens)) {
      ranks.set(token, rank)
      bytesOf[rank] = token
      if (token.length === 2) ranksOfPairs[token.charCodeAt(0) * 256 + token.charCodeAt(1)] = rank
      filter[hashWithin(token, 0, token.length)] = 1
      longestToken = Math.max(longestToken, token.length)
      rank++
    }
  }
  for (const [text, rank] of Object.entries(specialTokens)) bytesOf[rank] = text

  const rankWithin = (bytes: string, start: number, end: number): number =>
    end - start <= longestToken && filter[hashWithin(bytes, start, end)] === 1
      ? (ranks.get(bytes.slice(start, end)) ?? -1)
      : -1

  return { ranks, bytesOf, ranksOfPairs, rankWithin }
}

/**
 * Most bytes that a merge looks up are no token, and to cut a string and look it up costs 100 ns. So a table
 * of the hashes of all tokens, one byte each, says no first to four in five of them; it halves the time of
 * new words.
 */
const FILTER_SIZE = 2 ** 20

function hashWithin(bytes: string, start: number, end: number): number {
  let hash = end - start
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes.charCodeAt(at), 0x0100_0193)
  return (hash ^ (hash >>> 15)) & (FILTER_SIZE - 1)
}

/** One Buffer for all: a `Buffer.from(token, 'base64')` each would double the time to load. */
function decodeAll(tokens: readonly string[]): string[] {
  const bytes = Buffer.allocUnsafe(tokens.reduce((sum, token) => sum + token.length, 0))
  const ends: number[] = []
  let end = 0
  for (const token of tokens) ends.push((end += bytes.write(token, end, 'base64')))
  const all = bytes.toString('latin1', 0, end)
  return ends.map((end, index) => all.slice(ends[index - 1] ?? 0, end))
}
