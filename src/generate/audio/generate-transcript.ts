import { audioFormExpected, bodyTooLarge, malformedForm, promptFiltered } from '../../wire/errors.ts'
import {
  parseTranscriptionRequest,
  type TranscriptionRequest,
  isWhisper,
  audioTooShort,
  type AudioTask,
} from '../../wire/audio/transcription-request.ts'
import { dataEvent } from '../../wire/sse.ts'
import type { Addressed } from '../../pipeline/exchange.ts'
import { eventsOfModel, jsonOfModel, modelReply, refuse, wholeOf } from '../../pipeline/reply-headers.ts'
import type { EventsBody } from '../../answer/body.ts'
import type { Reply } from '../../pipeline/reply.ts'
import { type ReplyOrPromise, mapMaybe } from '../../pipeline/stage.ts'
import { loadEncoding } from '../../tokens/encoding.ts'
import { judgeContent } from '../content-filter.ts'
import { countAhead } from '../count-ahead.ts'
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
  type SegmentFacts,
  type TimedSentence,
  type TimedWord,
} from '../../wire/audio/write-transcript.ts'
import { roundTo } from '../../lib/format-text.ts'
import { crc32 } from 'node:zlib'
import { createRandom } from '../../lib/random.ts'
import { drawLorem } from '../lorem.ts'
import { hashText } from '../text-features.ts'

/** Maximum upload size: 25 MB, including the form data. */
const MAX_BYTES = 26_214_400

/** Minimum duration. The service rejects shorter audio. */
const MIN_SECONDS = 0.1

/** Answers a transcription with lorem text. Its length matches the duration of the audio. */
export function generateTranscription(exchange: Addressed): ReplyOrPromise {
  return generateTranscript(exchange, 'transcribe')
}

/** Answers a translation in the same way. Its text is always English. */
export function generateTranslation(exchange: Addressed): ReplyOrPromise {
  return generateTranscript(exchange, 'translate')
}

function generateTranscript(exchange: Addressed, task: AudioTask): ReplyOrPromise {
  const { model } = exchange.deployment
  const { length } = exchange.body
  if (length > MAX_BYTES) return refuse(bodyTooLarge(MAX_BYTES, length))
  if (!exchange.isForm) return refuse(audioFormExpected(exchange.headers['content-type']))
  if (!exchange.form) return refuse(malformedForm())
  const parsed = parseTranscriptionRequest(exchange.form, model, task)
  if (!parsed.ok) return refuse(parsed.error)
  const { request } = parsed
  const verdict = judgeContent([request.prompt], exchange.config)
  if (verdict.kind === 'prompt') return refuse(promptFiltered(verdict.category))

  const { bytes } = request.file
  const durationSeconds = audioSeconds(bytes)
  if (durationSeconds < MIN_SECONDS) return refuse(audioTooShort())
  const transcript = drawTranscript(bytes, durationSeconds, task)
  if (isWhisper(model)) return whisperReply(transcript, request, task)
  const counter = countAhead(exchange, loadEncoding(model.encoding), (collector) => {
    collector.count(request.prompt)
  })
  return mapMaybe(counter, (known) => tokenBilledReply(transcript, request, known.count(request.prompt)))
}

function whisperReply(transcript: Transcript, request: TranscriptionRequest, task: AudioTask): Reply {
  // Translations have no usage in OpenAI's specification.
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
      const facts = { task, language, temperature, granularities, usage, heard: segmentFacts }
      return jsonReply(() => renderVerbose(transcript, facts))
    }
    default:
      return jsonReply(() => textJson(transcript, usage))
  }
}

function tokenBilledReply(
  transcript: Transcript,
  { format, stream, logprobs }: TranscriptionRequest,
  promptTokens: number,
): Reply {
  const billed = transcriptUsage(transcript, promptTokens)
  const usage = toUsage(billed)
  if (stream) {
    const json = eventJsons(transcript, format === 'diarized_json', tokensJson(billed), logprobs)
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
      : textJson(transcript, tokensJson(billed), logprobs)
  return { ...jsonReply(render), usage }
}

/** A stream sends the text token by token, or sentence by sentence with speakers, and then the whole text. */
function eventJsons(
  { text, pieces, sentences }: Transcript,
  diarized: boolean,
  usage: string,
  logprobs: boolean,
): string[] {
  const parts = diarized
    ? sentences.map(diarizedSegmentJson)
    : pieces.map((piece) => {
        const listed = logprobs ? `,"logprobs":[${logprobJson(piece)}]` : ''
        return `{"type":"transcript.text.delta","delta":${JSON.stringify(piece)}${listed}}`
      })
  return [...parts, `{"type":"transcript.text.done","text":${JSON.stringify(text)},"usage":${usage}}`]
}

function textJson({ text, pieces }: Transcript, usage: string | undefined, logprobs = false): string {
  const listed = logprobs ? `,"logprobs":[${pieces.map(logprobJson).join(',')}]` : ''
  const billed = usage === undefined ? '' : `,"usage":${usage}`
  return `{"text":${JSON.stringify(text)}${listed}${billed}}`
}

/** The log probability of a token: more than 0.9 for each. */
function logprobJson(token: string): string {
  const logprob = -(hashText(token, 0) % 1_000) / 10_000
  return JSON.stringify({ token, logprob, bytes: [...Buffer.from(token)] })
}

function jsonReply(render: () => string): Reply {
  return modelReply(jsonOfModel, { kind: 'whole', render })
}

function textReply(render: () => string): Reply {
  return modelReply(wholeOf('text/plain; charset=utf-8'), { kind: 'whole', render })
}

let languageNames: Intl.DisplayNames | undefined

/** Returns "german" for `de`. The default is English. */
function languageName(code: string | undefined): string {
  if (code === undefined) return 'english'
  // Takes 2 ms to create, which a start need not spend.
  languageNames ??= new Intl.DisplayNames(['en'], { type: 'language' })
  return (languageNames.of(code) ?? code).toLowerCase()
}

/** Assumed rate of a file of unknown format: 128 kbit/s, the most common MP3 rate. */
const ASSUMED_BYTES_PER_SECOND = 16_000

/** Minimum valid rate. A lower rate in a header is invalid and would result in an unbounded text. */
const MIN_BYTES_PER_SECOND = 1_000

/** Duration of an audio file in seconds, from its WAV or MP3 header, or else estimated from its size. */
export function audioSeconds(file: Buffer): number {
  return wavSeconds(file) ?? mp3Seconds(file) ?? file.length / ASSUMED_BYTES_PER_SECOND
}

const CHUNK_HEADER_BYTES = 8

/** Size of the samples divided by the rate. Both are in chunks of the RIFF container. */
function wavSeconds(file: Buffer): number | undefined {
  if (tag(file, 0) !== 'RIFF' || tag(file, 8) !== 'WAVE') return undefined
  let bytesPerSecond = 0
  let at = 12
  while (at + CHUNK_HEADER_BYTES <= file.length) {
    const start = at + CHUNK_HEADER_BYTES
    const size = file.readUInt32LE(at + 4)
    if (tag(file, at) === 'fmt ' && start + 12 <= file.length) bytesPerSecond = file.readUInt32LE(start + 8)
    if (tag(file, at) === 'data') {
      // A streamed file has a header without the final size, so use the actual size.
      const bytes = Math.min(size, file.length - start)
      return bytesPerSecond < MIN_BYTES_PER_SECOND ? undefined : bytes / bytesPerSecond
    }
    // Chunks start at even offsets.
    at = start + size + (size % 2)
  }
  return undefined
}

const ID3_HEADER_BYTES = 10

/** Bit rates of Layer III in kbit/s by index: MPEG-1, and MPEG-2 with 2.5. 0 and 15 are not usable. */
const mpeg1Rates = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
const mpeg2Rates = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]

/** Size divided by the bit rate of the first frame. This is an estimate for variable bit rates. */
function mp3Seconds(file: Buffer): number | undefined {
  let at = 0
  if (file.toString('latin1', 0, 3) === 'ID3' && file.length >= ID3_HEADER_BYTES) {
    // Seven bits per byte.
    at =
      [6, 7, 8, 9].reduce((size, offset) => size * 128 + (file.readUInt8(offset) & 0x7f), 0) +
      ID3_HEADER_BYTES
  }
  if (at + 4 > file.length) return undefined
  const header = file.readUInt32BE(at)
  const isLayer3 = header >>> 21 === 0x7ff && ((header >>> 17) & 3) === 1
  if (!isLayer3) return undefined
  const rates = ((header >>> 19) & 3) === 3 ? mpeg1Rates : mpeg2Rates
  const bytesPerSecond = ((rates[(header >>> 12) & 15] ?? 0) * 1_000) / 8
  return bytesPerSecond < MIN_BYTES_PER_SECOND ? undefined : (file.length - at) / bytesPerSecond
}

function tag(file: Buffer, at: number): string {
  return file.toString('latin1', at, at + 4)
}

/** 150 words per minute, which is unhurried speech. */
const WORDS_PER_SECOND = 2.5

/** Full stops and commas of the text are additional tokens. */
const TOKENS_PER_WORD = 1.18

/**
 * Draws the transcript of a file. The length follows from the duration, and the text from the bytes.
 *
 * @param salt results in a different text for the same file, for another task
 */
export function drawTranscript(file: Buffer, durationSeconds: number, salt: string): Transcript {
  const random = createRandom(`${salt}/${file.length}/${crc32(file)}`)
  const tokens = Math.max(2, Math.round(durationSeconds * WORDS_PER_SECOND * TOKENS_PER_WORD))
  const { pieces, text } = drawLorem(random, tokens)
  return {
    durationSeconds,
    text,
    pieces,
    sentences: timeSentences(pieces, durationSeconds),
  }
}

function timeSentences(pieces: readonly string[], durationSeconds: number): TimedSentence[] {
  const wordCount = pieces.filter(isWord).length
  const secondsPerWord = durationSeconds / Math.max(1, wordCount)
  const sentences: TimedSentence[] = []
  let text = ''
  let words: TimedWord[] = []
  let spokenWords = 0
  for (const piece of pieces) {
    text += piece
    if (isWord(piece)) {
      const start = roundTo(spokenWords * secondsPerWord, 2)
      spokenWords++
      words.push({ word: piece.trim(), start, end: roundTo(spokenWords * secondsPerWord, 2) })
    }
    if (piece !== '.') continue
    sentences.push(createSentence(text, words))
    text = ''
    words = []
  }
  if (text !== '') sentences.push(createSentence(text, words))
  return sentences
}

function createSentence(text: string, words: readonly TimedWord[]): TimedSentence {
  return { text: text.trim(), start: words[0]?.start ?? 0, end: words.at(-1)?.end ?? 0, words }
}

function isWord(piece: string): boolean {
  return piece !== '.' && piece !== ','
}

/** Whisper reads windows of 30 seconds. `seek` is the start of the window in frames of 10 ms. */
const WINDOW_SECONDS = 30
const FRAMES_PER_SECOND = 100

/** Whisper's vocabulary: text tokens, and one time token for every 20 ms of a window. */
const TEXT_TOKENS = 50_257
const FIRST_TIME_TOKEN = 50_364
const TIME_TOKENS_PER_SECOND = 50

/** Generates the details of a segment, with typical values for clear speech that depend only on the text. */
export function segmentFacts({ text, start, end, words }: TimedSentence): SegmentFacts {
  const windowStart = Math.floor(start / WINDOW_SECONDS) * WINDOW_SECONDS
  const timeToken = (seconds: number): number =>
    FIRST_TIME_TOKEN + Math.round(Math.min(seconds - windowStart, WINDOW_SECONDS) * TIME_TOKENS_PER_SECOND)
  const share = (salt: number): number => (hashText(text, salt) % 1_000) / 1_000
  return {
    seek: windowStart * FRAMES_PER_SECOND,
    // Whisper's vocabulary is not available. The token of a word is a hash of the word.
    tokens: [timeToken(start), ...words.map(({ word }) => hashText(word, 0) % TEXT_TOKENS), timeToken(end)],
    avgLogprob: -0.2 - share(1) * 0.2,
    compressionRatio: 1.1 + share(2) * 0.5,
    noSpeechProb: 0.001 + share(3) * 0.04,
  }
}
