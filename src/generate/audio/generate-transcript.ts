import { audioFormExpected, bodyTooLarge, brokenForm, promptFiltered } from '../../wire/errors.ts'
import {
  parseTranscriptionRequest,
  type TranscriptionRequest,
  isWhisper,
  tooShort,
  type AudioTask,
} from '../../wire/audio/transcription-request.ts'
import { dataEvent } from '../../wire/sse.ts'
import type { Addressed } from '../../pipeline/exchange.ts'
import { eventsOfModel, jsonOfModel, modelReply, refuse, wholeOf } from '../../pipeline/reply-headers.ts'
import type { EventsBody } from '../../answer/body.ts'
import type { Reply } from '../../pipeline/reply.ts'
import { whenKnown } from '../../pipeline/stage.ts'
import { loadEncoding } from '../../tokens/encoding.ts'
import { judgeContent } from '../content-filter.ts'
import { countAhead } from '../count-ahead.ts'
import { audioSeconds } from './audio-duration.ts'
import {
  diarizedSegmentJson,
  renderDiarized,
  renderVerbose,
  type Transcript,
  renderSrt,
  renderVtt,
  durationJson,
  tokensJson,
  toUsage,
  transcriptUsage,
} from '../../wire/audio/write-transcript.ts'
import { hear, hearSegment } from './transcript.ts'

/** The largest upload: 25 MB, the form around the file included. */
const maxBytes = 26_214_400

/** The service refuses what is shorter. */
const shortestSeconds = 0.1

/** Answers a transcription with lorem text, as long as one can speak in the time of the audio. */
export function generateTranscription(exchange: Addressed): Reply | Promise<Reply> {
  return generateTranscript(exchange, 'transcribe')
}

/** Answers a translation, whose text is English by definition, in the same way. */
export function generateTranslation(exchange: Addressed): Reply | Promise<Reply> {
  return generateTranscript(exchange, 'translate')
}

function generateTranscript(exchange: Addressed, task: AudioTask): Reply | Promise<Reply> {
  const { model } = exchange.deployment
  const { length } = exchange.body
  if (length > maxBytes) return refuse(bodyTooLarge(maxBytes, length))
  if (!exchange.isForm) return refuse(audioFormExpected(exchange.headers['content-type']))
  if (!exchange.form) return refuse(brokenForm())
  const parsed = parseTranscriptionRequest(exchange.form, model, task)
  if (!parsed.ok) return refuse(parsed.error)
  const { request } = parsed
  const verdict = judgeContent([request.prompt], exchange.config)
  if (verdict.kind === 'prompt') return refuse(promptFiltered(verdict.category))

  const { bytes } = request.file
  const durationSeconds = audioSeconds(bytes)
  if (durationSeconds < shortestSeconds) return refuse(tooShort())
  const transcript = hear(bytes, durationSeconds, task)
  if (isWhisper(model)) return whisperReply(transcript, request, task)
  const counter = countAhead(exchange, loadEncoding(model.encoding), (collector) => {
    collector.count(request.prompt)
  })
  return whenKnown(counter, (known) => tokenBilledReply(transcript, request, known.count(request.prompt)))
}

function whisperReply(transcript: Transcript, request: TranscriptionRequest, task: AudioTask): Reply {
  // Answers of translations have no usage in OpenAI's specification.
  const usage = task === 'transcribe' ? durationJson(transcript) : undefined
  const { temperature, granularities } = request
  const language = task === 'translate' ? 'english' : languageName(request.language)
  switch (request.format) {
    case 'text':
      return textReply(() => `${transcript.text}\n`)
    case 'srt':
      return textReply(() => renderSrt(transcript.sentences))
    case 'vtt':
      return textReply(() => renderVtt(transcript.sentences))
    case 'verbose_json': {
      const facts = { task, language, temperature, granularities, usage, heard: hearSegment }
      return jsonReply(() => renderVerbose(transcript, facts))
    }
    default:
      return jsonReply(() => textJson(transcript, usage))
  }
}

function tokenBilledReply(
  transcript: Transcript,
  { format, stream }: TranscriptionRequest,
  promptTokens: number,
): Reply {
  const billed = transcriptUsage(transcript, promptTokens)
  const usage = toUsage(billed)
  if (stream) {
    const json = eventJsons(transcript, format === 'diarized_json', tokensJson(billed))
    const body: EventsBody = {
      kind: 'events',
      count: json.length,
      stepOf: (index) => index,
      render: (index) => dataEvent(json[index] ?? ''),
    }
    return modelReply(eventsOfModel, body, usage)
  }
  if (format === 'text') return { ...textReply(() => `${transcript.text}\n`), usage }
  const render = (): string =>
    format === 'diarized_json'
      ? renderDiarized(transcript, tokensJson(billed))
      : textJson(transcript, tokensJson(billed))
  return { ...jsonReply(render), usage }
}

/** A stream tells the text token by token, or sentence by sentence where it tells who speaks; then the whole. */
function eventJsons({ text, pieces, sentences }: Transcript, diarized: boolean, usage: string): string[] {
  const parts = diarized
    ? sentences.map(diarizedSegmentJson)
    : pieces.map((piece) => `{"type":"transcript.text.delta","delta":${JSON.stringify(piece)}}`)
  return [...parts, `{"type":"transcript.text.done","text":${JSON.stringify(text)},"usage":${usage}}`]
}

function textJson({ text }: Transcript, usage: string | undefined): string {
  const billed = usage === undefined ? '' : `,"usage":${usage}`
  return `{"text":${JSON.stringify(text)}${billed}}`
}

function jsonReply(render: () => string): Reply {
  return modelReply(jsonOfModel, { kind: 'whole', render })
}

function textReply(render: () => string): Reply {
  return modelReply(wholeOf('text/plain; charset=utf-8'), { kind: 'whole', render })
}

const languageNames = new Intl.DisplayNames(['en'], { type: 'language' })

/** `de` is "german"; without a code, English is heard. */
function languageName(code: string | undefined): string {
  return code === undefined ? 'english' : (languageNames.of(code) ?? code).toLowerCase()
}
