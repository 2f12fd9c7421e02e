import { promptFiltered } from '../../wire/errors.ts'
import { parseSpeechRequest, type SpeechFormat } from '../../wire/audio/speech-request.ts'
import { dataEvent } from '../../wire/sse.ts'
import type { Addressed } from '../../pipeline/exchange.ts'
import { eventsOfModel, modelReply, noRoomReply, refuse, wholeOf } from '../../pipeline/reply-headers.ts'
import type { EventsBody } from '../../answer/body.ts'
import type { Reply } from '../../pipeline/reply.ts'
import type { Usage } from '../../answer/completion.ts'
import { loadEncoding } from '../../tokens/encoding.ts'
import { judgeContent } from '../content-filter.ts'
import { renderMp3 } from './mp3.ts'
import {
  planSpeech,
  secondsOf,
  type SpeechPlan,
  NOTES_PER_VOICE,
  BYTES_PER_SAMPLE,
  SAMPLE_RATE,
  SAMPLES_PER_FRAME,
  createNote,
} from './speech-plan.ts'

/** `audio/mpeg` was seen on the service; the others are the registered or usual names. */
const contentTypes: Readonly<Record<SpeechFormat, string>> = {
  mp3: 'audio/mpeg',
  wav: 'audio/wav',
  pcm: 'audio/pcm',
}

/** A minute of gpt-4o-mini-tts costs 1.5 cents at 12 dollars a million tokens (OpenAI's price list of 2025). */
const TOKENS_PER_MINUTE = 1_250

/** 24 kHz of 16 bits, and of MP3 a fraction. */
const bytesPerSecond: Readonly<Record<SpeechFormat, number>> = { mp3: 16_000, wav: 48_000, pcm: 48_000 }

/** Bytes of sound in one event: a second or so of most formats, and base64 without padding. */
const BYTES_PER_EVENT = 24_000

/** Answers a request for speech with a soft tone for each word, as long as the words would take to say. */
export async function generateSpeech(exchange: Addressed): Promise<Reply> {
  const { model } = exchange.deployment
  const parsed = parseSpeechRequest(exchange.json, model)
  if (!parsed.ok) return refuse(parsed.error)
  const {
    input,
    instructions,
    voice,
    speed,
    response_format: format,
    stream_format: streamFormat,
  } = parsed.request
  const verdict = judgeContent([input, instructions ?? ''], exchange.config)
  if (verdict.kind === 'prompt') return refuse(promptFiltered(verdict.category))

  const plan = planSpeech(input, speed ?? 1)
  const bytes = secondsOf(plan) * bytesPerSecond[format ?? 'mp3']
  if (!exchange.reserve(bytes)) return noRoomReply()
  const usage: Usage = {
    promptTokens: loadEncoding('o200k_base').count(input),
    cachedTokens: 0,
    completionTokens: Math.ceil((secondsOf(plan) * TOKENS_PER_MINUTE) / 60),
    reasoningTokens: 0,
  }
  const render = await renderer(plan, voice, format ?? 'mp3')
  if (streamFormat === 'sse') {
    return modelReply(eventsOfModel, soundEvents(render(), usage), usage)
  }
  return modelReply(wholeOf(contentTypes[format ?? 'mp3']), { kind: 'whole', render }, usage)
}

/** Samples are laid out when they are due, for ten minutes have 29 MB; an MP3 file is small, and its encoder waits. */
async function renderer(plan: SpeechPlan, voice: string, format: SpeechFormat): Promise<() => Buffer> {
  if (format === 'pcm') return () => renderPcm(plan, voice)
  if (format === 'wav') return () => renderWav(renderPcm(plan, voice))
  const mp3 = await renderMp3(plan, voice)
  return () => mp3
}

function soundEvents(sound: Buffer, usage: Usage): EventsBody {
  const deltas = Math.ceil(sound.length / BYTES_PER_EVENT)
  return {
    kind: 'events',
    count: deltas + 1,
    stepOf: (index) => index,
    render: (index) => {
      if (index === deltas) return dataEvent(doneJson(usage))
      const audio = sound.toString('base64', index * BYTES_PER_EVENT, (index + 1) * BYTES_PER_EVENT)
      return dataEvent(`{"type":"speech.audio.delta","audio":"${audio}"}`)
    },
  }
}

function doneJson({ promptTokens, completionTokens }: Usage): string {
  return `{"type":"speech.audio.done","usage":{"input_tokens":${promptTokens},"output_tokens":${completionTokens},"total_tokens":${promptTokens + completionTokens}}}`
}

/** What a note does not sound of its slot at least: words are heard one by one. */
const SILENT_SHARE = 0.3

/** The samples of a plan, spoken by a voice: each note is made once and copied. */
export function renderPcm({ slotFrames, notes }: SpeechPlan, voice: string): Buffer {
  const slotBytes = slotFrames * SAMPLES_PER_FRAME * BYTES_PER_SAMPLE
  const soundFrames = Math.max(1, Math.floor(slotFrames * (1 - SILENT_SHARE)))
  const sounds = Array.from({ length: NOTES_PER_VOICE }, (_, note) => {
    const samples = createNote(voice, note, soundFrames)
    return Buffer.from(samples.buffer)
  })
  const pcm = Buffer.alloc(notes.length * slotBytes)
  for (const [index, note] of notes.entries()) {
    if (note !== undefined) sounds[note]?.copy(pcm, index * slotBytes)
  }
  return pcm
}

const WAV_HEADER_BYTES = 44

/** Puts samples into a WAV file. */
export function renderWav(pcm: Buffer): Buffer {
  const header = Buffer.alloc(WAV_HEADER_BYTES)
  header.write('RIFF', 0, 'latin1')
  header.writeUInt32LE(WAV_HEADER_BYTES - 8 + pcm.length, 4)
  header.write('WAVEfmt ', 8, 'latin1')
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(SAMPLE_RATE, 24)
  header.writeUInt32LE(SAMPLE_RATE * BYTES_PER_SAMPLE, 28)
  header.writeUInt16LE(BYTES_PER_SAMPLE, 32)
  header.writeUInt16LE(BYTES_PER_SAMPLE * 8, 34)
  header.write('data', 36, 'latin1')
  header.writeUInt32LE(pcm.length, 40)
  return Buffer.concat([header, pcm])
}
