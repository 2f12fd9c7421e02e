import type { RankTable } from './rank-table.ts'

/** From this length, the heap is faster than the scan, which takes quadratic time (measured). */
const LONG_PRE_TOKEN_BYTES = 128

/** Rank of a pair that cannot be merged; above all ranks. */
const NO_RANK = 0x7fff_ffff

/** Splits the bytes of one pre-token (a latin1 string) into tokens: repeatedly merges the pair with the lowest rank. */
export function mergeBytePairs(bytes: string, table: RankTable): number[] {
  const whole = table.rankOf(bytes)
  if (whole >= 0) return [whole]
  return bytes.length < LONG_PRE_TOKEN_BYTES
    ? mergeShortPreToken(bytes, table)
    : mergeLongPreToken(bytes, table)
}

/** Buffers reused for each pre-token, since merging is synchronous: the start of each part, and the rank of each pair. */
const starts = new Int32Array(LONG_PRE_TOKEN_BYTES + 1)
const pairRanks = new Int32Array(LONG_PRE_TOKEN_BYTES + 1)

function mergeShortPreToken(bytes: string, table: RankTable): number[] {
  let parts = bytes.length
  const rankAt = (part: number): number => {
    if (part + 2 > parts) return NO_RANK
    const rank = table.rankOf(bytes, starts[part], starts[part + 2])
    return rank < 0 ? NO_RANK : rank
  }

  for (let part = 0; part <= parts; part++) starts[part] = part
  for (let part = 0; part < parts; part++) {
    const rank = table.ranksOfPairs[bytes.charCodeAt(part) * 256 + bytes.charCodeAt(part + 1)]
    pairRanks[part] = part + 1 < parts && rank !== undefined && rank >= 0 ? rank : NO_RANK
  }

  for (;;) {
    let lowest = NO_RANK
    let at = 0
    for (let part = 0; part < parts; part++) {
      const rank = pairRanks[part] as number
      if (rank < lowest) {
        lowest = rank
        at = part
      }
    }
    if (lowest === NO_RANK) break
    starts.copyWithin(at + 1, at + 2, parts + 1)
    pairRanks.copyWithin(at + 1, at + 2, parts)
    parts--
    pairRanks[at] = rankAt(at)
    if (at > 0) pairRanks[at - 1] = rankAt(at - 1)
  }

  const tokens: number[] = []
  for (let part = 0; part < parts; part++) {
    tokens.push(table.rankOf(bytes, starts[part], starts[part + 1]))
  }
  return tokens
}

/** Ranks are below 2^18 and positions below 2^35, so that both fit in the 53 exact bits of a number. */
const RANK_FACTOR = 2 ** 35

/**
 * Merges a pre-token of any length in O(n log n): parts in a linked list, pairs in a heap ordered by rank, then by position, since
 * the leftmost of equal pairs is merged first. Published tokenizers take quadratic time: minutes for 100 KB of one letter.
 */
export function mergeLongPreToken(bytes: string, table: RankTable): number[] {
  const { ranksOfPairs } = table
  const length = bytes.length
  // A part is identified by its first byte. A pair in the heap is valid only while its rank equals that in pairRank.
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
    if (rank >= 0) pairs.push(rank * RANK_FACTOR + at)
  }

  const pushPair = (at: number): void => {
    const middle = next[at] as number
    const rank = middle < length ? table.rankOf(bytes, at, next[middle]) : -1
    pairRank[at] = rank
    if (rank >= 0) pairs.push(rank * RANK_FACTOR + at)
  }

  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    const rank = Math.floor(pair / RANK_FACTOR)
    const at = pair - rank * RANK_FACTOR
    if (pairRank[at] !== rank) continue
    const merged = next[at] as number
    const end = next[merged] as number
    pairRank[merged] = -1
    next[at] = end
    previous[end] = at
    pushPair(at)
    if (at > 0) pushPair(previous[at] as number)
  }

  const tokens: number[] = []
  for (let at = 0; at < length; at = next[at] as number) {
    tokens.push(table.rankOf(bytes, at, next[at]))
  }
  return tokens
}

/** A binary min-heap of up to `capacity` numbers. */
export class MinHeap {
  readonly #items: Float64Array
  #size = 0

  constructor(capacity: number) {
    this.#items = new Float64Array(capacity)
  }

  /** Adds a number in O(log n). */
  push(item: number): void {
    const items = this.#items
    let at = this.#size++
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = items[parent] as number
      if (above <= item) break
      items[at] = above
      at = parent
    }
    items[at] = item
  }

  /** Removes and returns the smallest number in O(log n); undefined if the heap is empty. */
  pop(): number | undefined {
    if (this.#size === 0) return undefined
    const items = this.#items
    const smallest = items[0]
    const size = --this.#size
    const item = items[size] as number
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= size) break
      if (child + 1 < size && (items[child + 1] as number) < (items[child] as number)) child++
      const below = items[child] as number
      if (below >= item) break
      items[at] = below
      at = child
    }
    items[at] = item
    return smallest
  }
}
