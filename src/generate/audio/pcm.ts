import { bytesPerSample, sampleRate, samplesPerFrame } from './sound-format.ts'
import { notesPerVoice, type SpeechPlan } from './speech-plan.ts'
import { createNote } from './voice-notes.ts'

/** What a note does not sound of its slot at least: words are heard one by one. */
const silentShare = 0.3

/** The samples of a plan, spoken by a voice: each note is made once and copied. */
export function renderPcm({ slotFrames, notes }: SpeechPlan, voice: string): Buffer {
  const slotBytes = slotFrames * samplesPerFrame * bytesPerSample
  const soundFrames = Math.max(1, Math.floor(slotFrames * (1 - silentShare)))
  const sounds = Array.from({ length: notesPerVoice }, (_, note) => {
    const samples = createNote(voice, note, soundFrames)
    return Buffer.from(samples.buffer)
  })
  const pcm = Buffer.alloc(notes.length * slotBytes)
  for (const [index, note] of notes.entries()) {
    if (note !== undefined) sounds[note]?.copy(pcm, index * slotBytes)
  }
  return pcm
}

const wavHeaderBytes = 44

/** Puts samples into a WAV file. */
export function renderWav(pcm: Buffer): Buffer {
  const header = Buffer.alloc(wavHeaderBytes)
  header.write('RIFF', 0, 'latin1')
  header.writeUInt32LE(wavHeaderBytes - 8 + pcm.length, 4)
  header.write('WAVEfmt ', 8, 'latin1')
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(sampleRate, 24)
  header.writeUInt32LE(sampleRate * bytesPerSample, 28)
  header.writeUInt16LE(bytesPerSample, 32)
  header.writeUInt16LE(bytesPerSample * 8, 34)
  header.write('data', 36, 'latin1')
  header.writeUInt32LE(pcm.length, 40)
  return Buffer.concat([header, pcm])
}
