import { RecentMap } from '../../lib/caches.ts'
import {
  SAMPLE_RATE,
  SAMPLES_PER_FRAME,
  NOTES_PER_VOICE,
  type SpeechPlan,
  createNote,
} from './speech-plan.ts'
import { yieldToEventLoop } from '../../lib/real-timers.ts'

const KILOBITS_PER_SECOND = 64

/**
 * Frame size of MPEG-2 Layer III: 72 times the bit rate divided by the sample rate. The result is an integer here, so
 * no frame is padded.
 */
const FRAME_BYTES = (72 * KILOBITS_PER_SECOND * 1_000) / SAMPLE_RATE

/**
 * The encoder delays by 1,105 samples, and a frame overlaps the next one. A note therefore needs this many silent
 * frames at its end.
 */
const TAIL_FRAMES = 3

/** Maximum sound of a note, in frames. Slower speech has longer silence between notes. */
const MAX_SOUND_FRAMES = 10

/** The encoded notes of a voice, and one silent frame. */
interface EncodedVoice {
  readonly notes: readonly Buffer[]
  readonly silence: Buffer
}

/** Encoding a voice takes about 200 ms of CPU time, so it is done once. An entry has about 10 KB. */
const encoded = new RecentMap<string, Promise<EncodedVoice>>(64)

/**
 * Renders the MP3 file of a plan (MPEG-2 Layer III, 24 kHz, mono, 64 kbit/s). Frames are encoded without a bit
 * reservoir, so they are independent: a note is encoded once, and its frames are copied.
 */
export async function renderMp3({ slotFrames, notes }: SpeechPlan, voice: string): Promise<Buffer> {
  const soundFrames = Math.max(1, Math.min(MAX_SOUND_FRAMES, slotFrames - TAIL_FRAMES))
  const key = `${voice}/${soundFrames}`
  let pending = encoded.get(key)
  if (!pending) encoded.set(key, (pending = encodeVoice(voice, soundFrames)))
  const { notes: sounds, silence } = await pending
  const slotBytes = slotFrames * FRAME_BYTES
  const mp3 = Buffer.alloc(notes.length * slotBytes)
  mp3.fill(silence)
  for (const [index, note] of notes.entries()) {
    if (note !== undefined) sounds[note]?.copy(mp3, index * slotBytes)
  }
  return mp3
}

async function encodeVoice(voice: string, soundFrames: number): Promise<EncodedVoice> {
  const { Mp3Encoder } = await import('@breezystack/lamejs')
  await yieldToEventLoop()
  const encoder = new Mp3Encoder(1, SAMPLE_RATE, KILOBITS_PER_SECOND)
  const noteFrames = soundFrames + TAIL_FRAMES
  const parts: Buffer[] = []
  // Yield after each frame. A frame takes a millisecond or more.
  const encode = async (samples: Int16Array): Promise<void> => {
    for (let at = 0; at < samples.length; at += SAMPLES_PER_FRAME) {
      const bytes = encoder.encodeBuffer(samples.subarray(at, at + SAMPLES_PER_FRAME))
      parts.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
      await yieldToEventLoop()
    }
  }
  for (let note = 0; note < NOTES_PER_VOICE; note++) {
    const samples = new Int16Array(noteFrames * SAMPLES_PER_FRAME)
    samples.set(createNote(voice, note, soundFrames))
    await encode(samples)
  }
  // Flushes the encoder and produces the silent frames.
  await encode(new Int16Array((TAIL_FRAMES + 4) * SAMPLES_PER_FRAME))
  const mp3 = Buffer.concat(parts)
  const noteBytes = noteFrames * FRAME_BYTES
  const end = NOTES_PER_VOICE * noteBytes
  return {
    notes: Array.from({ length: NOTES_PER_VOICE }, (_, note) =>
      mp3.subarray(note * noteBytes, (note + 1) * noteBytes),
    ),
    silence: mp3.subarray(end + TAIL_FRAMES * FRAME_BYTES, end + (TAIL_FRAMES + 1) * FRAME_BYTES),
  }
}
