import { roundTo } from '../../lib/number-format.ts'
import { crc32 } from 'node:zlib'
import { createRandom } from '../../lib/random.ts'
import { drawLorem } from '../lorem.ts'
import { hashText } from '../text-features.ts'
import type { SegmentFacts, TimedSentence, TimedWord, Transcript } from '../../wire/audio/write-transcript.ts'

/** Two and a half words a second: 150 a minute, the pace of unhurried speech. */
const WORDS_PER_SECOND = 2.5

/** Full stops and commas of the drawn text come on top of its words. */
const TOKENS_PER_WORD = 1.18

/**
 * Hears a text in a file: as long as its duration lets one say, and always the same in the same bytes.
 *
 * @param salt lets the same file say something else, for another task
 */
export function hear(file: Buffer, durationSeconds: number, salt: string): Transcript {
  const random = createRandom(`${salt}/${file.length}/${crc32(file)}`)
  const tokens = Math.max(2, Math.round(durationSeconds * WORDS_PER_SECOND * TOKENS_PER_WORD))
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
      const start = roundTo(heard * secondsPerWord, 2)
      heard++
      words.push({ word: piece.trim(), start, end: roundTo(heard * secondsPerWord, 2) })
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

/** Whisper listens to 30 seconds at a time; `seek` counts frames of 10 ms to the start of such a window. */
const WINDOW_SECONDS = 30
const FRAMES_PER_SECOND = 100

/** Whisper's vocabulary: tokens of text, and one of time for every 20 ms of a window. */
const TEXT_TOKENS = 50_257
const FIRST_TIME_TOKEN = 50_364
const TIME_TOKENS_PER_SECOND = 50

/** How a sentence was heard: as plausible as clear speech, and as settled as the text. */
export function hearSegment({ text, start, end, words }: TimedSentence): SegmentFacts {
  const windowStart = Math.floor(start / WINDOW_SECONDS) * WINDOW_SECONDS
  const timeToken = (seconds: number): number =>
    FIRST_TIME_TOKEN + Math.round(Math.min(seconds - windowStart, WINDOW_SECONDS) * TIME_TOKENS_PER_SECOND)
  const share = (salt: number): number => (hashText(text, salt) % 1_000) / 1_000
  return {
    seek: windowStart * FRAMES_PER_SECOND,
    // Whisper's vocabulary is not here: each word has a number of its own, always the same.
    tokens: [timeToken(start), ...words.map(({ word }) => hashText(word, 0) % TEXT_TOKENS), timeToken(end)],
    avgLogprob: -0.2 - share(1) * 0.2,
    compressionRatio: 1.1 + share(2) * 0.5,
    noSpeechProb: 0.001 + share(3) * 0.04,
  }
}
