import { hashText } from '../text-features.ts'
import { voices } from '../../wire/audio/speech-request.ts'

/** Number of different notes of a voice. */
export const NOTES_PER_VOICE = 4

/**
 * Duration of a word, and of the pause after a sentence, at speed 1: 150 words per minute with 15 words per sentence.
 */
const SLOT_SECONDS = 0.375

/** Maximum duration in seconds: twice the duration of 4,096 characters of English at speed 1. */
const MAX_SECONDS = 600

/** Each multiple of this length adds the duration of another word. */
const LETTERS_PER_SLOT = 12

/** Chinese, Japanese and Korean text has no spaces. Two characters are about a word. */
const WIDE_PER_SLOT = 2
const wideLetters = /[\u2e80-\u9fff\uac00-\ud7af]/g

/** The sound of a text: a sequence of notes of equal length. */
export interface SpeechPlan {
  /** MP3 frames of each note, including the silence at its end. */
  readonly slotFrames: number
  /** Number of each note; undefined is silence. */
  readonly notes: readonly (number | undefined)[]
}

/**
 * Plans one note per word, selected by the word, and a pause after each sentence. `speed` is from 0.25 to 4. A text
 * without words is one note.
 */
export function planSpeech(text: string, speed: number): SpeechPlan {
  const slotFrames = Math.round(SLOT_SECONDS / speed / FRAME_SECONDS)
  const maxNotes = Math.floor(MAX_SECONDS / (slotFrames * FRAME_SECONDS))
  const notes: (number | undefined)[] = []
  for (const [word] of text.matchAll(/\S+/g)) {
    const note = hashText(word.toLowerCase(), 0) % NOTES_PER_VOICE
    const slots = slotsOf(word)
    for (let slot = 0; slot < slots; slot++) notes.push((note + slot) % NOTES_PER_VOICE)
    if (/[.!?。！？]$/.test(word)) notes.push(undefined)
    if (notes.length >= maxNotes) break
  }
  if (notes.length === 0) notes.push(0)
  return { slotFrames, notes: notes.slice(0, maxNotes) }
}

/** Duration of a plan in seconds. */
export function secondsOf({ slotFrames, notes }: SpeechPlan): number {
  return notes.length * slotFrames * FRAME_SECONDS
}

function slotsOf(word: string): number {
  const wide = word.match(wideLetters)?.length ?? 0
  return Math.max(1, Math.ceil(wide / WIDE_PER_SLOT) + Math.floor((word.length - wide) / LETTERS_PER_SLOT))
}

/** Samples per second of all speech: the rate of `pcm` on the service. */
export const SAMPLE_RATE = 24_000

/** Samples are mono, 16 bits, little-endian. */
export const BYTES_PER_SAMPLE = 2

/**
 * Samples of one MP3 frame at this rate. All formats consist of whole frames, so that they have the same duration.
 */
export const SAMPLES_PER_FRAME = 576

/** Duration of one frame in seconds. */
export const FRAME_SECONDS = SAMPLES_PER_FRAME / SAMPLE_RATE

/** Lowest note of the lowest voice, and the steps of a pentatonic scale above it, in semitones. */
const LOWEST_HERTZ = 110
const scaleSteps = [0, 4, 7, 9]

/** Amplitude of a note. Full scale is 32,767. */
const AMPLITUDE = 9_000

/** Fade at both ends of a note, which prevents clicks. */
const FADE_SAMPLES = 120

/** Relative amplitude of the fundamental and its first two overtones: a soft, flute-like tone. */
const overtones = [1, 0.35, 0.15]

/**
 * Creates the samples of a note with the given number of frames. The note fades in quickly and fades out until its
 * end.
 */
export function createNote(voice: string, note: number, frames: number): Int16Array {
  const samples = new Int16Array(frames * SAMPLES_PER_FRAME)
  // Voices are 1.5 semitones apart, so that they can be distinguished.
  const base = (voices as readonly string[]).indexOf(voice) * 1.5
  const semitones = base + (scaleSteps[note % NOTES_PER_VOICE] ?? 0)
  const step = (2 * Math.PI * LOWEST_HERTZ * 2 ** (semitones / 12)) / SAMPLE_RATE
  for (let i = 0; i < samples.length; i++) {
    const rest = samples.length - i
    const fade = Math.min(1, i / FADE_SAMPLES, rest / FADE_SAMPLES) * (0.3 + (0.7 * rest) / samples.length)
    let value = 0
    for (const [overtone, share] of overtones.entries()) value += share * Math.sin(step * (overtone + 1) * i)
    samples[i] = (AMPLITUDE * fade * value) / 1.5
  }
  return samples
}
