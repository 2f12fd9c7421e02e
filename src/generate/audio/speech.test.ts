import { describe, expect, it } from 'vitest'
import { audioSeconds } from './generate-transcript.ts'
import { renderMp3 } from './mp3.ts'
import { renderPcm, renderWav } from './generate-speech.ts'
import {
  BYTES_PER_SAMPLE,
  FRAME_SECONDS,
  SAMPLE_RATE,
  SAMPLES_PER_FRAME,
  planSpeech,
  secondsOf,
} from './speech-plan.ts'

const words = (count: number): string =>
  Array.from({ length: count }, (_, i) => `word${i}${i % 15 === 14 ? '.' : ''}`).join(' ')

const FRAME_BYTES = 192

describe('planSpeech', () => {
  it('plans about 150 words per minute, scaled by the speed', () => {
    const text = words(150)
    for (const speed of [0.25, 0.5, 1, 1.5, 2, 4]) {
      const expected = 60 / speed
      expect(Math.abs(secondsOf(planSpeech(text, speed)) - expected) / expected).toBeLessThan(0.06)
    }
  })

  it('extends the duration for long words and texts without spaces', () => {
    expect(planSpeech('internationalization', 1).notes).toHaveLength(1)
    expect(planSpeech('x'.repeat(24), 1).notes).toHaveLength(2)
    expect(planSpeech('你好世界你好世界', 1).notes).toHaveLength(4)
  })

  it('ends after ten minutes for any text', () => {
    const plan = planSpeech('a '.repeat(2_048), 0.25)
    expect(secondsOf(plan)).toBeLessThanOrEqual(600)
    expect(secondsOf(plan)).toBeGreaterThan(598)
  })

  it('plans a note for white space', () => {
    expect(planSpeech(' \n', 1).notes).toHaveLength(1)
  })

  it('plans the same notes for the same text, and others for another text', () => {
    expect(planSpeech(words(9), 1)).toEqual(planSpeech(words(9), 1))
    expect(planSpeech('one two three four', 1)).not.toEqual(planSpeech('four three two one', 1))
  })
})

describe('speech formats', () => {
  const plan = planSpeech('Hello there. How are you?', 1)

  it('PCM has the planned number of samples, with silence between words', () => {
    const pcm = renderPcm(plan, 'alloy')
    expect(pcm.length).toBe(Math.round(secondsOf(plan) * SAMPLE_RATE) * BYTES_PER_SAMPLE)
    const samples = new Int16Array(pcm.buffer, pcm.byteOffset, pcm.length / BYTES_PER_SAMPLE)
    const slot = plan.slotFrames * SAMPLES_PER_FRAME
    const loudest = (from: number, to: number): number =>
      Math.max(...samples.subarray(from, to).map(Math.abs))
    for (const [index, note] of plan.notes.entries()) {
      const [start, end] = [index * slot, (index + 1) * slot]
      expect(loudest(start, end) > 4_000).toBe(note !== undefined)
      expect(loudest(end - slot / 4, end)).toBe(0)
    }
    expect(loudest(0, samples.length)).toBeLessThan(16_000)
  })

  it('PCM differs between voices', () => {
    expect(renderPcm(plan, 'alloy').equals(renderPcm(plan, 'onyx'))).toBe(false)
  })

  it('WAV has the duration in its header', () => {
    const wav = renderWav(renderPcm(plan, 'alloy'))
    expect(wav.readUInt32LE(4)).toBe(wav.length - 8)
    expect(audioSeconds(wav)).toBeCloseTo(secondsOf(plan), 5)
  })

  it.each([0.25, 1, 2, 4])('MP3 consists of whole, independent frames at speed %d', async (speed) => {
    const spoken = planSpeech('Hello there. How are you?', speed)
    const mp3 = await renderMp3(spoken, 'alloy')
    expect(mp3.length / FRAME_BYTES).toBe(spoken.notes.length * spoken.slotFrames)
    expect((mp3.length / FRAME_BYTES) * FRAME_SECONDS).toBeCloseTo(secondsOf(spoken), 5)
    for (let at = 0; at < mp3.length; at += FRAME_BYTES) {
      // MPEG-2 Layer III without checksum, 64 kbit/s, 24 kHz, no padding.
      expect(mp3.readUInt32BE(at) >>> 8).toBe(0xfff384)
      // main_data_begin: the frame contains its own data.
      expect(mp3[at + 4]).toBe(0)
    }
    expect(audioSeconds(mp3)).toBeCloseTo(secondsOf(spoken), 5)
  })

  it('MP3 repeats the frames of a note', async () => {
    const twice = await renderMp3(planSpeech('hello hello', 1), 'nova')
    const half = twice.length / 2
    expect(twice.subarray(0, half).equals(twice.subarray(half))).toBe(true)
    expect(twice.subarray(half - FRAME_BYTES).equals(twice.subarray(0, FRAME_BYTES))).toBe(false)
  })
})
