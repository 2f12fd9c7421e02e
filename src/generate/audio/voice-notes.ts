import { voices } from '../../wire/audio/speech-request.ts'
import { sampleRate, samplesPerFrame } from './sound-format.ts'
import { notesPerVoice } from './speech-plan.ts'

/** The lowest voice's lowest note, and the steps of a pentatonic scale above it, in semitones. */
const lowestHertz = 110
const scaleSteps = [0, 4, 7, 9]

/** Loud enough to hear, far from clipping: full scale is 32,767. */
const loudness = 9_000

/** Keeps the edges of a note from clicking. */
const fadeSamples = 120

/** How loud the octave and the twelfth are beside the note itself: a soft, flute-like tone. */
const overtones = [1, 0.35, 0.15]

/** Note `note` of a voice, `frames` long, as samples; it swells at once and dies away until its end. */
export function createNote(voice: string, note: number, frames: number): Int16Array {
  const samples = new Int16Array(frames * samplesPerFrame)
  // Voices stand three semitones apart within an octave and a half, or two alike could not be told apart.
  const base = (voices as readonly string[]).indexOf(voice) * 1.5
  const semitones = base + (scaleSteps[note % notesPerVoice] ?? 0)
  const step = (2 * Math.PI * lowestHertz * 2 ** (semitones / 12)) / sampleRate
  for (let i = 0; i < samples.length; i++) {
    const rest = samples.length - i
    const fade = Math.min(1, i / fadeSamples, rest / fadeSamples) * (0.3 + (0.7 * rest) / samples.length)
    let value = 0
    for (const [overtone, share] of overtones.entries()) value += share * Math.sin(step * (overtone + 1) * i)
    samples[i] = (loudness * fade * value) / 1.5
  }
  return samples
}
