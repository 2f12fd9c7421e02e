import { promptFiltered } from '../../wire/errors.ts'
import { parseSpeechRequest, type SpeechFormat } from '../../wire/audio/speech-request.ts'
import type { ChatAudioFormat } from '../../wire/chat/chat-request.ts'
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

/** `audio/mpeg` was captured from the service. The others are registered or common names. */
const contentTypes: Readonly<Record<SpeechFormat, string>> = {
  mp3: 'audio/mpeg',
  wav: 'audio/wav',
  pcm: 'audio/pcm',
}

/** One minute of gpt-4o-mini-tts costs 1.5 cents at 12 dollars per million tokens (OpenAI price list, 2025). */
const TOKENS_PER_MINUTE = 1_250

/** PCM and WAV: 24 kHz with 16 bits. The MP3 value is an upper estimate. */
const bytesPerSecond: Readonly<Record<SpeechFormat, number>> = { mp3: 16_000, wav: 48_000, pcm: 48_000 }

/** Audio bytes per event: about one second of most formats. A multiple of 3, so base64 needs no padding. */
const BYTES_PER_EVENT = 24_000

/** Answers a speech request with a soft tone per word. The duration is about that of the spoken text. */
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
    promptTokens:
      loadEncoding('o200k_base').count(input) + loadEncoding('o200k_base').count(instructions ?? ''),
    cachedTokens: 0,
    completionTokens: Math.ceil((secondsOf(plan) * TOKENS_PER_MINUTE) / 60),
    reasoningTokens: 0,
  }
  const { render } = await soundRenderer(plan, voice, format ?? 'mp3')
  if (streamFormat === 'sse') {
    return modelReply(eventsOfModel, soundEvents(render(), usage), usage)
  }
  return modelReply(wholeOf(contentTypes[format ?? 'mp3']), { kind: 'whole', render }, usage)
}

/** A sound that is rendered when it is sent. */
export interface SoundRenderer {
  /** Size of the file. */
  readonly bytes: number
  readonly render: () => Buffer
}

/**
 * PCM is rendered when it is sent, because ten minutes have 29 MB. MP3 files are small, and the encoder is
 * asynchronous. `pcm16` is the name of PCM in chat.
 */
export async function soundRenderer(
  plan: SpeechPlan,
  voice: string,
  format: SpeechFormat | ChatAudioFormat,
): Promise<SoundRenderer> {
  if (format === 'mp3') {
    const mp3 = await renderMp3(plan, voice)
    return { bytes: mp3.length, render: () => mp3 }
  }
  const bytes = plan.notes.length * plan.slotFrames * SAMPLES_PER_FRAME * BYTES_PER_SAMPLE
  if (format !== 'wav') return { bytes, render: () => renderPcm(plan, voice) }
  return { bytes: bytes + WAV_HEADER_BYTES, render: () => renderWav(renderPcm(plan, voice)) }
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

/** Minimum silent share of a note, so that words are separate. */
const SILENT_SHARE = 0.3

/** Renders the samples of a plan. Each note is created once and copied. */
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

/** Adds a WAV header to samples. */
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
