import { mergeLongPreToken } from './long-pre-token.ts'
import type { RankTable } from './rank-table.ts'

/** From here the heap is faster than the scan, whose time grows with the square of the length (measured). */
const LONG_PRE_TOKEN_BYTES = 128

/** No pair to merge: above every rank. */
const NONE = 0x7fff_ffff

/**
 * Splits the bytes of one pre-token (a latin1 string) into tokens: merges the pair of lowest rank, again and
 * again.
 */
export function mergeBytePairs(bytes: string, table: RankTable): number[] {
  const whole = table.rankOf(bytes)
  if (whole >= 0) return [whole]
  return bytes.length < LONG_PRE_TOKEN_BYTES
    ? mergeShortPreToken(bytes, table)
    : mergeLongPreToken(bytes, table)
}

/**
 * Scratch, since a pre-token is merged in one go: where each part starts, and the rank of it with the next
 * one.
 */
const starts = new Int32Array(LONG_PRE_TOKEN_BYTES + 1)
const pairRanks = new Int32Array(LONG_PRE_TOKEN_BYTES + 1)

function mergeShortPreToken(bytes: string, table: RankTable): number[] {
  let parts = bytes.length
  const rankAt = (part: number): number => {
    if (part + 2 > parts) return NONE
    const rank = table.rankOf(bytes, starts[part], starts[part + 2])
    return rank < 0 ? NONE : rank
  }

  for (let part = 0; part <= parts; part++) starts[part] = part
  for (let part = 0; part < parts; part++) {
    const rank = table.ranksOfPairs[bytes.charCodeAt(part) * 256 + bytes.charCodeAt(part + 1)]
    pairRanks[part] = part + 1 < parts && rank !== undefined && rank >= 0 ? rank : NONE
  }

  for (;;) {
    let lowest = NONE
    let at = 0
    for (let part = 0; part < parts; part++) {
      const rank = pairRanks[part] as number
      if (rank < lowest) {
        lowest = rank
        at = part
      }
    }
    if (lowest === NONE) break
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
