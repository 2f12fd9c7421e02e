import { hashText } from '../text-features.ts'
import { FRAME_SECONDS } from './sound-format.ts'

/** Different sounds of a voice. */
export const NOTES_PER_VOICE = 4

/** The time of a word and the pause after a sentence, at speed 1: 150 words a minute where a sentence has 15 words. */
const SLOT_SECONDS = 0.375

/** The longest speech, in seconds: at speed 1, twice what 4,096 characters of English take. */
const MAX_SECONDS = 600

/** A word this long or longer takes the time of two, and so on. */
const LETTERS_PER_SLOT = 12

/** Two signs of Chinese, Japanese or Korean, which puts no spaces between words, are about a word. */
const WIDE_PER_SLOT = 2
const wideLetters = /[\u2e80-\u9fff\uac00-\ud7af]/g

/** What a text sounds like: notes of equal length in a row. */
export interface SpeechPlan {
  /** MP3 frames of each note, silence at its end included. */
  readonly slotFrames: number
  /** The number of each note; undefined is silence. */
  readonly notes: readonly (number | undefined)[]
}

/**
 * Plans one note a word, chosen by the word, and a rest after each sentence. `speed` is from 0.25 to 4. A text without
 * words is one note.
 */
export function planSpeech(text: string, speed: number): SpeechPlan {
  const slotFrames = Math.round(SLOT_SECONDS / speed / FRAME_SECONDS)
  const mostNotes = Math.floor(MAX_SECONDS / (slotFrames * FRAME_SECONDS))
  const notes: (number | undefined)[] = []
  for (const [word] of text.matchAll(/\S+/g)) {
    const note = hashText(word.toLowerCase(), 0) % NOTES_PER_VOICE
    const slots = slotsOf(word)
    for (let slot = 0; slot < slots; slot++) notes.push((note + slot) % NOTES_PER_VOICE)
    if (/[.!?。！？]$/.test(word)) notes.push(undefined)
    if (notes.length >= mostNotes) break
  }
  if (notes.length === 0) notes.push(0)
  return { slotFrames, notes: notes.slice(0, mostNotes) }
}

/** How long a plan sounds, in seconds. */
export function secondsOf({ slotFrames, notes }: SpeechPlan): number {
  return notes.length * slotFrames * FRAME_SECONDS
}

function slotsOf(word: string): number {
  const wide = word.match(wideLetters)?.length ?? 0
  return Math.max(1, Math.ceil(wide / WIDE_PER_SLOT) + Math.floor((word.length - wide) / LETTERS_PER_SLOT))
}
