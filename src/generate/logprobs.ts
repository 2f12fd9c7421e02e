import type { TokenLogprob } from '../wire/responses/response-object.ts'
import type { Random } from '../lib/random.ts'
import { pieceTable } from '../tokens/piece-table.ts'

/** The written token is usually the most likely one, else the second (1 in 8) or the third (1 in 32). */
const SHARE_OF_SECOND = 1 / 8
const SHARE_OF_THIRD = 1 / 32

/** Minimum probability of the most likely token. Most values are close to 1. */
const MIN_TOP_PROBABILITY = 0.35

/** Share of the remaining probability that each further token takes, before jitter. */
const SHARE_OF_REST = 0.6

/** Maximum alternatives of a whole answer, to bound its size. The service can also list fewer than requested. */
const MAX_ALTERNATIVES = 250_000

/** Log probability settings of a request. */
export interface LogprobOptions {
  /** Alternatives listed with each token, 0 to 20. */
  readonly top: number
  readonly random: Random
}

/** Limits the alternatives for each of `tokens`, so that the whole answer stays within the maximum. */
export function boundedTop(top: number, tokens: number): number {
  return Math.min(top, Math.max(1, Math.floor(MAX_ALTERNATIVES / Math.max(1, tokens))))
}

/** Tokens that are rendered together, within 1 to 2 ms. */
const TOKENS_PER_PIECE = 256

/** Generates `logprobs` of a choice or chunk, a few tokens at a time. Keys are in alphabetical order. */
export function* logprobsPieces(
  pieces: readonly string[],
  options: LogprobOptions,
): Generator<string, undefined> {
  yield '{"content":['
  for (let start = 0; start < pieces.length; start += TOKENS_PER_PIECE) {
    const entries = pieces.slice(start, start + TOKENS_PER_PIECE).map((piece) => entryJson(piece, options))
    yield (start > 0 ? ',' : '') + entries.join(',')
  }
  yield '],"refusal":null}'
}

/** Generates the log probabilities of the text of a response: one entry for each token. */
export function logprobEntries(pieces: readonly string[], options: LogprobOptions): readonly TokenLogprob[] {
  const top = boundedTop(options.top, pieces.length)
  return pieces.map((piece) => JSON.parse(entryJson(piece, { ...options, top })) as TokenLogprob)
}

function entryJson(piece: string, { top, random }: LogprobOptions): string {
  const rank = Math.min(drawRank(random), Math.max(0, top - 1))
  const probabilities = drawProbabilities(random, Math.max(top, rank + 1))
  const chosen = tokenJson(piece, probabilities[rank] ?? 1)
  if (top === 0) return `{${chosen},"top_logprobs":[]}`

  // The indexes are distinct modulo the list length, so no token is listed twice.
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

/** Probabilities in descending order. Their sum stays below 1. */
function drawProbabilities(random: Random, count: number): number[] {
  const likeliest = 1 - (1 - MIN_TOP_PROBABILITY) * random.unit() ** 3
  const probabilities = [likeliest]
  let rest = 1 - likeliest
  let last = likeliest
  while (probabilities.length < count) {
    last = Math.min(last, rest * SHARE_OF_REST * (0.8 + 0.4 * random.unit()))
    rest -= last
    probabilities.push(last)
  }
  return probabilities
}

function tokenJson(piece: string, probability: number): string {
  // Rounded to 32-bit floats, as in the service. -9999 means an impossible token.
  const logprob = Math.max(-9_999, Math.log(probability))
  return `"bytes":[${Buffer.from(piece).join(',')}],"logprob":${Number(logprob.toPrecision(8))},"token":${JSON.stringify(piece)}`
}
