import { hashText } from '../text-features.ts'
import { voices } from '../../wire/audio/speech-request.ts'

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

/** Samples a second of all speech; the rate of the service's `pcm`. */
export const SAMPLE_RATE = 24_000

/** Samples are mono, 16 bits, little-endian. */
export const BYTES_PER_SAMPLE = 2

/** Samples of one MP3 frame at this rate. Every format is made of whole frames, so that all have one duration. */
export const SAMPLES_PER_FRAME = 576

/** How long one frame sounds. */
export const FRAME_SECONDS = SAMPLES_PER_FRAME / SAMPLE_RATE

/** The lowest voice's lowest note, and the steps of a pentatonic scale above it, in semitones. */
const LOWEST_HERTZ = 110
const scaleSteps = [0, 4, 7, 9]

/** Loud enough to hear, far from clipping: full scale is 32,767. */
const LOUDNESS = 9_000

/** Keeps the edges of a note from clicking. */
const FADE_SAMPLES = 120

/** How loud the octave and the twelfth are beside the note itself: a soft, flute-like tone. */
const overtones = [1, 0.35, 0.15]

/** Note `note` of a voice, `frames` long, as samples; it swells at once and dies away until its end. */
export function createNote(voice: string, note: number, frames: number): Int16Array {
  const samples = new Int16Array(frames * SAMPLES_PER_FRAME)
  // Voices stand three semitones apart within an octave and a half, or two alike could not be told apart.
  const base = (voices as readonly string[]).indexOf(voice) * 1.5
  const semitones = base + (scaleSteps[note % NOTES_PER_VOICE] ?? 0)
  const step = (2 * Math.PI * LOWEST_HERTZ * 2 ** (semitones / 12)) / SAMPLE_RATE
  for (let i = 0; i < samples.length; i++) {
    const rest = samples.length - i
    const fade = Math.min(1, i / FADE_SAMPLES, rest / FADE_SAMPLES) * (0.3 + (0.7 * rest) / samples.length)
    let value = 0
    for (const [overtone, share] of overtones.entries()) value += share * Math.sin(step * (overtone + 1) * i)
    samples[i] = (LOUDNESS * fade * value) / 1.5
  }
  return samples
}
