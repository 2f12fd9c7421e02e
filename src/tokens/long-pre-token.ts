import { MinHeap } from './min-heap.ts'
import type { RankTable } from './rank-table.ts'

/** Ranks stay below 2^18 and positions below 2^35, so that both fit in the 53 exact bits of a number. */
const POSITIONS = 2 ** 35

/**
 * Merges a pre-token of any length in O(n log n): parts in a linked list, pairs in a heap by rank, then by
 * position, as the leftmost of equal pairs goes first. Every published tokenizer is quadratic here, minutes
 * for 100 KB of one letter.
 */
export function mergeLongPreToken(bytes: string, table: RankTable): number[] {
  const { ranksOfPairs } = table
  const length = bytes.length
  // A part is known by its first byte. A pair in the heap counts only while pairRank still says the same.
  const next = new Int32Array(length + 1)
  const previous = new Int32Array(length + 1)
  const pairRank = new Int32Array(length + 1).fill(-1)
  const pairs = new MinHeap(2 * length)

  for (let at = 0; at < length; at++) {
    next[at] = at + 1
    previous[at + 1] = at
    if (at + 1 === length) break
    const rank = ranksOfPairs[bytes.charCodeAt(at) * 256 + bytes.charCodeAt(at + 1)] as number
    pairRank[at] = rank
    if (rank >= 0) pairs.push(rank * POSITIONS + at)
  }

  const rate = (at: number): void => {
    const middle = next[at] as number
    const rank = middle < length ? table.rankOf(bytes, at, next[middle]) : -1
    pairRank[at] = rank
    if (rank >= 0) pairs.push(rank * POSITIONS + at)
  }

  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    const rank = Math.floor(pair / POSITIONS)
    const at = pair - rank * POSITIONS
    if (pairRank[at] !== rank) continue
    const swallowed = next[at] as number
    const end = next[swallowed] as number
    pairRank[swallowed] = -1
    next[at] = end
    previous[end] = at
    rate(at)
    if (at > 0) rate(previous[at] as number)
  }

  const tokens: number[] = []
  for (let at = 0; at < length; at = next[at] as number) {
    tokens.push(table.rankOf(bytes, at, next[at]))
  }
  return tokens
}
