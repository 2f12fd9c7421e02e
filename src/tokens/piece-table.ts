/** Pieces of text that are one token each in both encodings, wherever the rules below let them stand. */
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
 * The words of lorem ipsum and its usual continuations that both vocabularies hold whole, ASCII without
 * anything that JSON escapes, so that generated text needs no tokenizer: k pieces are k tokens.
 *
 * An encoding cuts a text into pre-tokens first, and no token reaches across their borders. Both split
 * patterns take letters with one character before them that is no letter, digit or line break
 * (`[^\r\n\p{L}\p{N}]?\p{L}+`; o200k_base also begins anew at a capital after a small letter), and else a run
 * of punctuation up to white space. Hence a piece stays a pre-token of its own, whatever is beside it, if
 *
 * - a word is followed by a piece with a leading space, by punctuation, or by nothing;
 * - punctuation is followed by a piece with a leading space or by nothing: a comma before a letter would join
 *   its word, and two marks in a row would be one pre-token;
 * - there is no apostrophe (contractions are cut apart) and no capital within a word.
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
