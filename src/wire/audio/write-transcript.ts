import { roundTo } from '../../lib/format-text.ts'
import type { Usage } from '../../answer/completion.ts'

/** The values of `verbose_json` in addition to the transcript. */
export interface VerboseFacts {
  readonly task: 'transcribe' | 'translate'
  /** The English name of the language, in lower case. */
  readonly language: string
  readonly temperature: number
  readonly granularities: ReadonlySet<'word' | 'segment'>
  /** JSON of the usage. Undefined: the field is not sent. */
  readonly usage: string | undefined
  /** Returns the recognition details of a sentence. */
  readonly heard: (sentence: TimedSentence) => SegmentFacts
}

/** Recognition details of a segment. */
export interface SegmentFacts {
  /** Start of the audio window, in frames of 10 ms. */
  readonly seek: number
  readonly tokens: readonly number[]
  readonly avgLogprob: number
  readonly compressionRatio: number
  readonly noSpeechProb: number
}

/** Renders `verbose_json`, in the order of OpenAI's specification. Numbers have a decimal point, as in Python. */
export function renderVerbose(transcript: Transcript, facts: VerboseFacts): string {
  const { durationSeconds, text, sentences } = transcript
  const { task, language, granularities, usage } = facts
  const parts = [
    `"task":"${task}"`,
    `"language":${JSON.stringify(language)}`,
    `"duration":${float(roundTo(durationSeconds, 2))}`,
    `"text":${JSON.stringify(text)}`,
  ]
  if (granularities.has('segment')) {
    parts.push(`"segments":[${sentences.map((sentence, id) => segmentJson(sentence, id, facts)).join(',')}]`)
  }
  if (granularities.has('word')) {
    parts.push(`"words":[${sentences.flatMap(({ words }) => words.map(wordJson)).join(',')}]`)
  }
  if (usage !== undefined) parts.push(`"usage":${usage}`)
  return `{${parts.join(',')}}`
}

function segmentJson(sentence: TimedSentence, id: number, facts: VerboseFacts): string {
  const { text, start, end } = sentence
  const { seek, tokens, avgLogprob, compressionRatio, noSpeechProb } = facts.heard(sentence)
  return `{"id":${id},"seek":${seek},"start":${float(start)},"end":${float(end)},"text":${JSON.stringify(` ${text}`)},"tokens":[${tokens.join(',')}],"temperature":${float(facts.temperature)},"avg_logprob":${rounded(avgLogprob)},"compression_ratio":${rounded(compressionRatio)},"no_speech_prob":${rounded(noSpeechProb)}}`
}

function wordJson({ word, start, end }: TimedWord): string {
  return `{"word":${JSON.stringify(word)},"start":${float(start)},"end":${float(end)}}`
}

function rounded(value: number): string {
  return float(Number(value.toFixed(4)))
}

/** Formats integers with a decimal point: 3.0. */
function float(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value)
}

/** A word with its times in seconds. */
export interface TimedWord {
  readonly word: string
  readonly start: number
  readonly end: number
}

/** A sentence with its times in seconds. */
export interface TimedSentence {
  /** Without a leading space. */
  readonly text: string
  readonly start: number
  readonly end: number
  readonly words: readonly TimedWord[]
}

/** The transcript of an audio file. */
export interface Transcript {
  readonly durationSeconds: number
  readonly text: string
  /** The tokens of the text. */
  readonly pieces: readonly string[]
  readonly sentences: readonly TimedSentence[]
}

/** Two alternating speakers. The service uses letters for unknown speakers. */
const speakers = ['A', 'B']

/** A sentence with its speaker: a segment of `diarized_json`, or an event of its stream. */
export function diarizedSegmentJson({ text, start, end }: TimedSentence, index: number): string {
  const id = `seg_${String(index + 1).padStart(3, '0')}`
  return `{"type":"transcript.text.segment","id":"${id}","start":${float(start)},"end":${float(end)},"text":${JSON.stringify(text)},"speaker":"${speakers[index % speakers.length]}"}`
}

/** Renders `diarized_json`. `usage` is JSON. */
export function renderDiarized({ durationSeconds, text, sentences }: Transcript, usage: string): string {
  const duration = float(roundTo(durationSeconds, 2))
  return `{"task":"transcribe","duration":${duration},"text":${JSON.stringify(text)},"segments":[${sentences.map(diarizedSegmentJson).join(',')}],"usage":${usage}}`
}

/** Renders SubRip: number, times with a comma, text and an empty line for each sentence. */
export function renderSrt(sentences: readonly TimedSentence[]): string {
  return sentences
    .map(({ start, end, text }, i) => `${i + 1}\n${time(start, ',')} --> ${time(end, ',')}\n${text}\n\n`)
    .join('')
}

/** Renders WebVTT (W3C): a header line, and no numbers. */
export function renderVtt(sentences: readonly TimedSentence[]): string {
  const cues = sentences.map(
    ({ start, end, text }) => `${time(start, '.')} --> ${time(end, '.')}\n${text}\n\n`,
  )
  return `WEBVTT\n\n${cues.join('')}`
}

/** Formats a time: `00:01:02.500`. */
function time(seconds: number, decimalMark: ',' | '.'): string {
  const milliseconds = Math.round(seconds * 1_000)
  const part = (unitMs: number, base: number, digits: number): string =>
    String(Math.floor(milliseconds / unitMs) % base).padStart(digits, '0')
  return `${part(3_600_000, 100, 2)}:${part(60_000, 60, 2)}:${part(1_000, 60, 2)}${decimalMark}${part(1, 1_000, 3)}`
}

/** One token for 100 ms of the user's audio (OpenAI, "Realtime costs"). */
const AUDIO_TOKENS_PER_SECOND = 10

/** Usage of models that are billed in tokens. */
export interface TranscriptUsage {
  readonly textTokens: number
  readonly audioTokens: number
  readonly outputTokens: number
}

/** @param textTokens tokens of the prompt */
export function transcriptUsage(
  { durationSeconds, pieces }: Transcript,
  textTokens: number,
): TranscriptUsage {
  return {
    textTokens,
    audioTokens: Math.ceil(durationSeconds * AUDIO_TOKENS_PER_SECOND),
    outputTokens: pieces.length,
  }
}

/** Converts usage for limits and metrics. */
export function toUsage({ textTokens, audioTokens, outputTokens }: TranscriptUsage): Usage {
  return {
    promptTokens: textTokens + audioTokens,
    cachedTokens: 0,
    completionTokens: outputTokens,
    reasoningTokens: 0,
  }
}

/** The usage in answers of models that are billed in tokens. */
export function tokensJson({ textTokens, audioTokens, outputTokens }: TranscriptUsage): string {
  const input = textTokens + audioTokens
  return `{"type":"tokens","input_tokens":${input},"input_token_details":{"text_tokens":${textTokens},"audio_tokens":${audioTokens}},"output_tokens":${outputTokens},"total_tokens":${input + outputTokens}}`
}

/** The usage in answers of whisper, which is billed per second. */
export function durationJson({ durationSeconds }: Transcript): string {
  return `{"type":"duration","seconds":${Math.ceil(durationSeconds)}}`
}
