import { createRandom, type Random } from '../lib/random.ts'
import { pieceTable } from '../tokens/piece-table.ts'

/**
 * In tokens, including the full stop. The last sentence of a text takes the remaining tokens and can be longer or
 * shorter.
 */
const MIN_SENTENCE_TOKENS = 6
const MAX_SENTENCE_TOKENS = 17

/** Sentences of this length and longer have a comma. */
const MIN_TOKENS_WITH_COMMA = 9

const MIN_WORDS_BESIDE_COMMA = 3

/** A text in pieces of one token each. */
export interface Lorem {
  readonly pieces: readonly string[]
  /** All pieces, concatenated. */
  readonly text: string
}

/**
 * Sentences are drawn once for each length and then reused. This takes a third of the time of drawing words. 32
 * sentences still allow billions of answers of 50 tokens, and fit into the processor caches; 128 sentences do not.
 */
const SENTENCES_PER_LENGTH = 32

/**
 * Draws lorem ipsum sentences as pieces of one token each. The joined pieces are exactly `tokenCount` tokens in both
 * encodings, and so is every prefix. A text of two or more tokens ends with a full stop. The text is ASCII and needs
 * no JSON escapes. `tokenCount` is an integer; 0 returns no pieces.
 */
export function drawLorem(random: Random, tokenCount: number): Lorem {
  const pieces: string[] = []
  let text = ''
  while (pieces.length < tokenCount) {
    const left = tokenCount - pieces.length
    const drawn = MIN_SENTENCE_TOKENS + random.below(MAX_SENTENCE_TOKENS - MIN_SENTENCE_TOKENS + 1)
    const length = left - drawn < MIN_SENTENCE_TOKENS ? left : drawn
    const sentences = pieces.length === 0 ? firstSentences : furtherSentences
    const sentence = sentences.ofLength(length)[random.below(SENTENCES_PER_LENGTH)] as Lorem
    for (const piece of sentence.pieces) pieces.push(piece)
    text += sentence.text
  }
  return { pieces, text }
}

/** Sentences by length in tokens. They are drawn on first use and are always the same. */
class Sentences {
  readonly #starts: readonly string[]
  readonly #ofLength: Lorem[][] = []

  /** @param starts possible first words of a sentence */
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
    length >= MIN_TOKENS_WITH_COMMA
      ? MIN_WORDS_BESIDE_COMMA + random.below(length - 1 - 2 * MIN_WORDS_BESIDE_COMMA)
      : length

  const pieces = [starts[random.below(starts.length)] as string]
  let word = 0
  for (let at = 1; at < length - 1; at++) {
    // The step is always smaller than the list, so no word occurs twice in a row.
    word = (word + 1 + random.below(words.length - 1)) % words.length
    pieces.push(at === commaAt ? comma : (words[word] as string))
  }
  if (length > 1) pieces.push(fullStop)
  return pieces
}
