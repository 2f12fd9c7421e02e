/** Pieces of text that are one token each in both encodings, in all positions that the rules below allow. */
interface PieceTable {
  /** Capitalised words without a space, for the start of a text only. */
  readonly textStarts: readonly string[]
  /** Capitalised words with their leading space. */
  readonly sentenceStarts: readonly string[]
  /** Words with their leading space. */
  readonly words: readonly string[]
  readonly comma: string
  readonly fullStop: string
}

const split = (words: string): string[] => words.split(' ')

const withSpace = (words: string): string[] => split(words).map((word) => ` ${word}`)

/**
 * The words of lorem ipsum that are one token in both vocabularies. They are ASCII without characters that JSON escapes. Generated
 * text needs no tokenizer: k pieces are k tokens.
 *
 * An encoding first splits a text into pre-tokens, and a token never crosses their borders. Both split patterns match letters
 * with one preceding character that is not a letter, digit or line break (`[^\r\n\p{L}\p{N}]?\p{L}+`; o200k_base also splits before
 * a capital after a small letter), or a run of punctuation up to white space. A piece is a separate pre-token if
 *
 * - a word is followed by a piece with a leading space, by punctuation, or by the end;
 * - punctuation is followed by a piece with a leading space or by the end: a comma before a letter would join its word, and two
 *   marks would be one pre-token;
 * - a word has no apostrophe (contractions are split) and no capital after the first letter.
 */
export const pieceTable: PieceTable = {
  textStarts: split('Lorem Ut In Et Ex Eu Ad Non Qui Id Est Integer Ac Vel Nam Cum Per At'),
  sentenceStarts: withSpace(
    'Lorem Ipsum Ut Duis Sed In Et Ex Ea Eu Ad Non Qui Id Est Integer Ac Mi Sem Vel Nam Cum Per At',
  ),
  words: withSpace(
    'lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore ' +
      'magna aliqua enim ad minim veniam quis exercitation nisi ex ea commodo consequat aute in velit esse eu nulla ' +
      'sint non sunt culpa qui anim id est odio eros nec integer ac quam mi sem eget diam hac libero leo at vitae ' +
      'porta vel ante massa justo cum dis mus per nostra nam',
  ),
  comma: ',',
  fullStop: '.',
}
