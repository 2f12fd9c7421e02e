import { voices } from '../../wire/audio/speech-request.ts'
import { SAMPLE_RATE, SAMPLES_PER_FRAME } from './sound-format.ts'
import { NOTES_PER_VOICE } from './speech-plan.ts'

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
