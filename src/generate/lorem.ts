import type { Random } from '../platform/random.ts'
import { pieceTable } from '../tokens/piece-table.ts'

/**
 * In tokens, full stop included. The last sentence of a text takes what is left and may be longer or shorter.
 */
const SHORTEST_SENTENCE = 6
const LONGEST_SENTENCE = 17

/** From this length a sentence has a comma. */
const SENTENCE_WITH_COMMA = 9

/** The least number of words on either side of a comma. */
const WORDS_BESIDE_COMMA = 3

/**
 * Draws a text in sentences of lorem ipsum, as pieces of one token each: joined, they are exactly
 * `tokenCount` tokens in both encodings, and so is every prefix. A text of two tokens or more ends with a
 * full stop. `tokenCount` is an integer; 0 gives no pieces.
 */
export function drawLorem(random: Random, tokenCount: number): string[] {
  const pieces: string[] = []
  while (pieces.length < tokenCount) {
    const left = tokenCount - pieces.length
    const drawn = SHORTEST_SENTENCE + random.below(LONGEST_SENTENCE - SHORTEST_SENTENCE + 1)
    pushSentence(pieces, random, left - drawn < SHORTEST_SENTENCE ? left : drawn)
  }
  return pieces
}

function pushSentence(pieces: string[], random: Random, length: number): void {
  const { textStarts, sentenceStarts, words, comma, fullStop } = pieceTable
  const starts = pieces.length === 0 ? textStarts : sentenceStarts
  const commaAt =
    length >= SENTENCE_WITH_COMMA
      ? WORDS_BESIDE_COMMA + random.below(length - 1 - 2 * WORDS_BESIDE_COMMA)
      : length

  pieces.push(starts[random.below(starts.length)] as string)
  let word = 0
  for (let at = 1; at < length - 1; at++) {
    // A step around the list that is never the whole way, so that no word comes twice in a row.
    word = (word + 1 + random.below(words.length - 1)) % words.length
    pieces.push(at === commaAt ? comma : (words[word] as string))
  }
  if (length > 1) pieces.push(fullStop)
}
