import { crc32 } from 'node:zlib'
import { createRandom } from '../../lib/random.ts'
import { drawLorem } from '../lorem.ts'

/** A word and when it is heard, in seconds. */
export interface TimedWord {
  readonly word: string
  readonly start: number
  readonly end: number
}

/** A sentence and when it is heard, in seconds. */
export interface TimedSentence {
  /** Without a space at its start. */
  readonly text: string
  readonly start: number
  readonly end: number
  readonly words: readonly TimedWord[]
}

/** What is heard in a file. */
export interface Transcript {
  readonly durationSeconds: number
  readonly text: string
  /** The text in pieces of one token each. */
  readonly pieces: readonly string[]
  readonly sentences: readonly TimedSentence[]
}

/** Two and a half words a second: 150 a minute, the pace of unhurried speech. */
const wordsPerSecond = 2.5

/** Full stops and commas of the drawn text come on top of its words. */
const tokensPerWord = 1.18

/**
 * Hears a text in a file: as long as its duration lets one say, and always the same in the same bytes.
 *
 * @param salt lets the same file say something else, for another task
 */
export function hear(file: Buffer, durationSeconds: number, salt: string): Transcript {
  const random = createRandom(`${salt}/${file.length}/${crc32(file)}`)
  const tokens = Math.max(2, Math.round(durationSeconds * wordsPerSecond * tokensPerWord))
  const { pieces, text } = drawLorem(random, tokens)
  return {
    durationSeconds,
    text,
    pieces,
    sentences: timeSentences(pieces, durationSeconds),
  }
}

function timeSentences(pieces: readonly string[], durationSeconds: number): TimedSentence[] {
  const wordCount = pieces.filter(isWord).length
  const secondsPerWord = durationSeconds / Math.max(1, wordCount)
  const sentences: TimedSentence[] = []
  let text = ''
  let words: TimedWord[] = []
  let heard = 0
  for (const piece of pieces) {
    text += piece
    if (isWord(piece)) {
      const start = hundredths(heard * secondsPerWord)
      heard++
      words.push({ word: piece.trim(), start, end: hundredths(heard * secondsPerWord) })
    }
    if (piece !== '.') continue
    sentences.push(createSentence(text, words))
    text = ''
    words = []
  }
  if (text !== '') sentences.push(createSentence(text, words))
  return sentences
}

function createSentence(text: string, words: readonly TimedWord[]): TimedSentence {
  return { text: text.trim(), start: words[0]?.start ?? 0, end: words.at(-1)?.end ?? 0, words }
}

function isWord(piece: string): boolean {
  return piece !== '.' && piece !== ','
}

function hundredths(seconds: number): number {
  return Math.round(seconds * 100) / 100
}
