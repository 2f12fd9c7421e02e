import { describe, expect, it } from 'vitest'
import { loadEncoding } from '../../tokens/encoding.ts'
import { audioSeconds, drawTranscript, segmentFacts } from './generate-transcript.ts'
import { renderWav } from './generate-speech.ts'
import { renderVerbose, renderSrt, renderVtt } from '../../wire/audio/write-transcript.ts'

const file = Buffer.from('some audio')

const verboseOf = (seconds: number, granularities: ('word' | 'segment')[]) => {
  const facts = {
    task: 'transcribe',
    language: 'german',
    temperature: 0,
    usage: undefined,
    heard: segmentFacts,
  } as const
  return renderVerbose(drawTranscript(file, seconds, 'transcribe'), {
    ...facts,
    granularities: new Set(granularities),
  })
}

describe('audioSeconds', () => {
  it('reads a WAV header with other chunks', () => {
    const wav = renderWav(Buffer.alloc(48_000))
    expect(audioSeconds(wav)).toBe(1)
    const list = Buffer.from('LIST\x03\0\0\0abc\0', 'latin1')
    expect(audioSeconds(Buffer.concat([wav.subarray(0, 12), list, wav.subarray(12)]))).toBe(1)
  })

  it('uses the actual size if the header of a stream has a larger one', () => {
    const wav = renderWav(Buffer.alloc(24_000))
    wav.writeUInt32LE(0xffff_ffff, 40)
    expect(audioSeconds(wav)).toBe(0.5)
  })

  it('reads the bit rate of an MP3 file after its tags', () => {
    const tag = Buffer.concat([Buffer.from('ID3\x04\0\0\0\0\x01\0', 'latin1'), Buffer.alloc(128)])
    const mp3 = Buffer.concat([tag, Buffer.from([0xff, 0xfb, 0x90, 0x64]), Buffer.alloc(31_996)])
    expect(audioSeconds(mp3)).toBe(2)
  })

  it('estimates other files by size, at 16,000 bytes per second', () => {
    expect(audioSeconds(Buffer.alloc(40_000))).toBe(2.5)
  })

  it.each([
    ['a rate of 1', (wav: Buffer) => wav.writeUInt32LE(1, 28)],
    ['no rate', (wav: Buffer) => wav.writeUInt32LE(0, 28)],
    ['a first chunk that is too long', (wav: Buffer) => wav.writeUInt32LE(0xffff_fff0, 16)],
  ])('ignores a header with %s', (_, spoil) => {
    const wav = renderWav(Buffer.alloc(160_000))
    spoil(wav)
    expect(audioSeconds(wav)).toBeCloseTo(10, 1)
  })

  it.each([0, 1, 3, 4, 11, 12, 20, 43])('accepts %i bytes of a truncated file', (length) => {
    expect(audioSeconds(renderWav(Buffer.alloc(10)).subarray(0, length))).toBeLessThan(0.1)
    expect(
      audioSeconds(Buffer.from('ID3\x04\0\0\x7f\x7f\x7f\x7f', 'latin1').subarray(0, length)),
    ).toBeLessThan(0.1)
  })
})

describe('drawTranscript', () => {
  it('draws the same text for the same bytes, and another one for other bytes or another task', () => {
    expect(drawTranscript(file, 9, 'a')).toEqual(drawTranscript(Buffer.from(file), 9, 'a'))
    expect(drawTranscript(file, 9, 'a').text).not.toBe(drawTranscript(file, 9, 'b').text)
    expect(drawTranscript(file, 9, 'a').text).not.toBe(
      drawTranscript(Buffer.from('other audio'), 9, 'a').text,
    )
  })

  it.each([10, 60, 600])('draws about 2.5 words per second in %i seconds', (seconds) => {
    const words = drawTranscript(file, seconds, '').text.split(' ').length
    expect(Math.abs(words / seconds - 2.5)).toBeLessThan(0.3)
  })

  it('times sentences of a few seconds without gaps up to the end', () => {
    const { sentences } = drawTranscript(file, 60, '')
    expect(sentences[0]?.start).toBe(0)
    expect(sentences.at(-1)?.end).toBe(60)
    for (const [index, { start, end, words }] of sentences.entries()) {
      expect(end - start).toBeGreaterThan(0.5)
      expect(end - start).toBeLessThan(9)
      expect(start).toBe(sentences[index - 1]?.end ?? 0)
      expect([words[0]?.start, words.at(-1)?.end]).toEqual([start, end])
    }
  })

  it('returns pieces of one token each', () => {
    const { pieces, text } = drawTranscript(file, 60, '')
    expect(loadEncoding('o200k_base').count(text)).toBe(pieces.length)
  })

  it('draws a text for 100 ms', () => {
    expect(drawTranscript(file, 0.1, '').text).toMatch(/\.$/)
  })
})

describe('transcript formats', () => {
  const sentences = [
    { text: 'One two.', start: 0, end: 3.32, words: [] },
    { text: 'Three.', start: 3.32, end: 3_661.5, words: [] },
  ]

  it('SubRip has numbered captions', () => {
    expect(renderSrt(sentences)).toBe(
      '1\n00:00:00,000 --> 00:00:03,320\nOne two.\n\n2\n00:00:03,320 --> 01:01:01,500\nThree.\n\n',
    )
  })

  it('WebVTT has a header and captions', () => {
    expect(renderVtt(sentences)).toBe(
      'WEBVTT\n\n00:00:00.000 --> 00:00:03.320\nOne two.\n\n00:00:03.320 --> 01:01:01.500\nThree.\n\n',
    )
  })

  it('verbose JSON has all fields of a segment', () => {
    const json = verboseOf(65, ['segment'])
    expect(json).toMatch(/^\{"task":"transcribe","language":"german","duration":65\.0,"text":"/)
    expect(json).toContain('"temperature":0.0')
    const { segments, words } = JSON.parse(json) as {
      segments: Record<string, number & number[]>[]
      words?: unknown
    }
    expect(words).toBeUndefined()
    for (const [index, segment] of segments.entries()) {
      expect(Object.keys(segment).join()).toBe(
        'id,seek,start,end,text,tokens,temperature,avg_logprob,compression_ratio,no_speech_prob',
      )
      expect(segment['id']).toBe(index)
      expect(segment['seek']).toBe(Math.floor(Number(segment['start']) / 30) * 3_000)
      const tokens = segment['tokens'] as number[]
      for (const time of [tokens[0]!, tokens.at(-1)!]) {
        expect(time).toBeGreaterThanOrEqual(50_364)
        expect(time).toBeLessThanOrEqual(51_864)
      }
    }
  })

  it('verbose JSON has only words, or words and segments', () => {
    const alone = JSON.parse(verboseOf(4, ['word'])) as { words: object[]; segments?: object[] }
    expect(alone.segments).toBeUndefined()
    expect(Object.keys(alone.words[0] ?? {})).toEqual(['word', 'start', 'end'])
    expect(Object.keys(JSON.parse(verboseOf(4, ['word', 'segment'])) as object)).toEqual([
      'task',
      'language',
      'duration',
      'text',
      'segments',
      'words',
    ])
  })
})
