import type { Random } from '../lib/random.ts'
import { pieceTable } from '../tokens/piece-table.ts'

/** The chosen token is mostly the likeliest one, else the second (one in eight) or the third (one in thirty-two). */
const SHARE_OF_SECOND = 1 / 8
const SHARE_OF_THIRD = 1 / 32

/** The likeliest token has at least this probability; most are near certain. */
const MIN_TOP_PROBABILITY = 0.35

/** Each further token takes about this part of the probability that is left. */
const PART_OF_REST = 0.6

/** Of a whole answer, so that it stays sendable; the service too may list fewer than were asked for. */
const MAX_ALTERNATIVES = 250_000

/** What a request asks to be told of the tokens of its answer. */
export interface LogprobOptions {
  /** Alternatives listed with each token, 0 to 20. */
  readonly top: number
  readonly random: Random
}

/** As many alternatives for each of `tokens` as were asked for, unless the answer would grow beyond reason. */
export function boundedTop(top: number, tokens: number): number {
  return Math.min(top, Math.max(1, Math.floor(MAX_ALTERNATIVES / Math.max(1, tokens))))
}

/** Tokens that are written together, in a millisecond or two. */
const TOKENS_TOGETHER = 256

/**
 * `logprobs` of a choice or of a chunk: made-up probabilities for each piece of its text, a few tokens at a time. Keys in
 * alphabetical order.
 */
export function* logprobsPieces(
  pieces: readonly string[],
  options: LogprobOptions,
): Generator<string, undefined> {
  yield '{"content":['
  for (let start = 0; start < pieces.length; start += TOKENS_TOGETHER) {
    const entries = pieces.slice(start, start + TOKENS_TOGETHER).map((piece) => entryJson(piece, options))
    yield (start > 0 ? ',' : '') + entries.join(',')
  }
  yield '],"refusal":null}'
}

function entryJson(piece: string, { top, random }: LogprobOptions): string {
  const rank = Math.min(drawRank(random), Math.max(0, top - 1))
  const probabilities = drawProbabilities(random, Math.max(top, rank + 1))
  const chosen = tokenJson(piece, probabilities[rank] ?? 1)
  if (top === 0) return `{${chosen},"top_logprobs":[]}`

  // A step around the list that never comes back to where it was, so that no token is listed twice.
  const { words } = pieceTable
  const start = random.below(words.length)
  let skipped = 0
  const list = probabilities.map((probability, index) => {
    if (index === rank) return `{${chosen}}`
    if (words[(start + index + skipped) % words.length] === piece) skipped++
    return `{${tokenJson(words[(start + index + skipped) % words.length] ?? '', probability)}}`
  })
  return `{${chosen},"top_logprobs":[${list.join(',')}]}`
}

function drawRank(random: Random): number {
  const draw = random.unit()
  if (draw < SHARE_OF_THIRD) return 2
  return draw < SHARE_OF_THIRD + SHARE_OF_SECOND ? 1 : 0
}

/** Descending; what is left for further tokens is never used up. */
function drawProbabilities(random: Random, count: number): number[] {
  const likeliest = 1 - (1 - MIN_TOP_PROBABILITY) * random.unit() ** 3
  const probabilities = [likeliest]
  let rest = 1 - likeliest
  let last = likeliest
  while (probabilities.length < count) {
    last = Math.min(last, rest * PART_OF_REST * (0.8 + 0.4 * random.unit()))
    rest -= last
    probabilities.push(last)
  }
  return probabilities
}

function tokenJson(piece: string, probability: number): string {
  // 32-bit floats, as the service's models compute with; the smallest number stands for what is nearly impossible.
  const logprob = Math.max(-9_999, Math.log(probability))
  return `"bytes":[${Buffer.from(piece).join(',')}],"logprob":${Number(logprob.toPrecision(8))},"token":${JSON.stringify(piece)}`
}
