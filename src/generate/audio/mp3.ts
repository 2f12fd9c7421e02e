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

/** Of MPEG-2 Layer III: 72 times the bit rate by the sample rate, here without a rest, so that no frame is padded. */
const FRAME_BYTES = (72 * KILOBITS_PER_SECOND * 1_000) / SAMPLE_RATE

/** The encoder lags by 1,105 samples and a frame rings on in the next: a note ends so many silent frames late. */
const TAIL_FRAMES = 3

/** The longest sound of a note, in frames; a slower speech has longer silence between notes. */
const MAX_SOUND = 10

/** The encoded notes of a voice, and its silence of one frame. */
interface EncodedVoice {
  readonly notes: readonly Buffer[]
  readonly silence: Buffer
}

/** Encoding takes some 200 ms of processor a voice, so it is done once. An entry has about 10 KB. */
const encoded = new RecentMap<string, Promise<EncodedVoice>>(64)

/**
 * The MP3 file of a plan (MPEG-2 Layer III, 24 kHz, mono, 64 kbit/s), spoken by a voice. Frames are encoded without a bit
 * reservoir, so each stands for itself: a note is encoded once, and its frames are repeated as they are.
 */
export async function renderMp3({ slotFrames, notes }: SpeechPlan, voice: string): Promise<Buffer> {
  const soundFrames = Math.max(1, Math.min(MAX_SOUND, slotFrames - TAIL_FRAMES))
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
  // One frame a turn: each takes a millisecond or more, and others want theirs between.
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
  // Pushes out what the encoder holds back, and gives the frames of silence.
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
