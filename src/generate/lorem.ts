import { createRandom, type Random } from '../lib/random.ts'
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

/** A text in pieces of one token each. */
export interface Lorem {
  readonly pieces: readonly string[]
  /** The pieces, joined. */
  readonly text: string
}

/**
 * So many sentences of each length are drawn once and then picked from: that takes a third of the time that their words
 * take. They still give billions of answers of 50 tokens, and stay in the processor's caches, which four times as many do not.
 */
const SENTENCES_PER_LENGTH = 32

/**
 * Draws a text in sentences of lorem ipsum, as pieces of one token each: joined, they are exactly
 * `tokenCount` tokens in both encodings, and so is every prefix. A text of two tokens or more ends with a
 * full stop. It is ASCII and needs no escape in JSON. `tokenCount` is an integer; 0 gives no pieces.
 */
export function drawLorem(random: Random, tokenCount: number): Lorem {
  const pieces: string[] = []
  let text = ''
  while (pieces.length < tokenCount) {
    const left = tokenCount - pieces.length
    const drawn = SHORTEST_SENTENCE + random.below(LONGEST_SENTENCE - SHORTEST_SENTENCE + 1)
    const length = left - drawn < SHORTEST_SENTENCE ? left : drawn
    const sentences = pieces.length === 0 ? firstSentences : furtherSentences
    const sentence = sentences.ofLength(length)[random.below(SENTENCES_PER_LENGTH)] as Lorem
    for (const piece of sentence.pieces) pieces.push(piece)
    text += sentence.text
  }
  return { pieces, text }
}

/** Sentences by their length in tokens; those of a length are drawn when one is asked for, and are always the same. */
class Sentences {
  readonly #starts: readonly string[]
  readonly #ofLength: Lorem[][] = []

  /** @param starts what a sentence may begin with */
  constructor(starts: readonly string[]) {
    this.#starts = starts
  }

  ofLength(length: number): readonly Lorem[] {
    return (this.#ofLength[length] ??= this.#draw(length))
  }

  #draw(length: number): Lorem[] {
    const random = createRandom(`lorem ${length}`)
    return Array.from({ length: SENTENCES_PER_LENGTH }, () => {
      const pieces = drawSentence(random, this.#starts, length)
      return { pieces, text: pieces.join('') }
    })
  }
}

const firstSentences = new Sentences(pieceTable.textStarts)
const furtherSentences = new Sentences(pieceTable.sentenceStarts)

function drawSentence(random: Random, starts: readonly string[], length: number): string[] {
  const { words, comma, fullStop } = pieceTable
  const commaAt =
    length >= SENTENCE_WITH_COMMA
      ? WORDS_BESIDE_COMMA + random.below(length - 1 - 2 * WORDS_BESIDE_COMMA)
      : length

  const pieces = [starts[random.below(starts.length)] as string]
  let word = 0
  for (let at = 1; at < length - 1; at++) {
    // A step around the list that is never the whole way, so that no word comes twice in a row.
    word = (word + 1 + random.below(words.length - 1)) % words.length
    pieces.push(at === commaAt ? comma : (words[word] as string))
  }
  if (length > 1) pieces.push(fullStop)
  return pieces
}
