import { roundTo } from '../../lib/format-text.ts'
import type { Usage } from '../../answer/completion.ts'

/** What `verbose_json` tells beside the transcript. */
export interface VerboseFacts {
  readonly task: 'transcribe' | 'translate'
  /** The English name of the language, in lower case. */
  readonly language: string
  readonly temperature: number
  readonly granularities: ReadonlySet<'word' | 'segment'>
  /** JSON of the usage; undefined leaves it out. */
  readonly usage: string | undefined
  /** How a sentence was heard. */
  readonly heard: (sentence: TimedSentence) => SegmentFacts
}

/** What a model tells of how it heard a segment. */
export interface SegmentFacts {
  /** Where its window of the audio begins, in frames of 10 ms. */
  readonly seek: number
  readonly tokens: readonly number[]
  readonly avgLogprob: number
  readonly compressionRatio: number
  readonly noSpeechProb: number
}

/** The body of `verbose_json`, in the order of OpenAI's specification, numbers with a point as Python writes them. */
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

/** Seconds and shares keep a point, also where they are whole: 3.0. */
function float(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value)
}

/** A word and when it is heard, in seconds. */
export interface TimedWord {
  readonly word: string
  readonly start: number
  readonly end: number
}

/** A sentence and when it is heard, in seconds. */
export interface TimedSentence {
  /** Without a space at its start. */
  readonly text: string
  readonly start: number
  readonly end: number
  readonly words: readonly TimedWord[]
}

/** What is heard in a file. */
export interface Transcript {
  readonly durationSeconds: number
  readonly text: string
  /** The text in pieces of one token each. */
  readonly pieces: readonly string[]
  readonly sentences: readonly TimedSentence[]
}

/** Two take turns; the service names speakers that it does not know by letters. */
const speakers = ['A', 'B']

/** A sentence with who says it: a segment of `diarized_json`, and an event of its stream. */
export function diarizedSegmentJson({ text, start, end }: TimedSentence, index: number): string {
  const id = `seg_${String(index + 1).padStart(3, '0')}`
  return `{"type":"transcript.text.segment","id":"${id}","start":${float(start)},"end":${float(end)},"text":${JSON.stringify(text)},"speaker":"${speakers[index % speakers.length]}"}`
}

/** The body of `diarized_json`; `usage` is JSON. */
export function renderDiarized({ durationSeconds, text, sentences }: Transcript, usage: string): string {
  const duration = float(roundTo(durationSeconds, 2))
  return `{"task":"transcribe","duration":${duration},"text":${JSON.stringify(text)},"segments":[${sentences.map(diarizedSegmentJson).join(',')}],"usage":${usage}}`
}

/** The sentences as SubRip text: a number, a time with a comma, the text, an empty line. */
export function renderSrt(sentences: readonly TimedSentence[]): string {
  return sentences
    .map(({ start, end, text }, i) => `${i + 1}\n${time(start, ',')} --> ${time(end, ',')}\n${text}\n\n`)
    .join('')
}

/** The sentences as WebVTT (W3C): a head line, and no numbers. */
export function renderVtt(sentences: readonly TimedSentence[]): string {
  const cues = sentences.map(
    ({ start, end, text }) => `${time(start, '.')} --> ${time(end, '.')}\n${text}\n\n`,
  )
  return `WEBVTT\n\n${cues.join('')}`
}

/** `00:01:02.500`, with the mark that the format has before the milliseconds. */
function time(seconds: number, mark: ',' | '.'): string {
  const milliseconds = Math.round(seconds * 1_000)
  const part = (unitMs: number, base: number, digits: number): string =>
    String(Math.floor(milliseconds / unitMs) % base).padStart(digits, '0')
  return `${part(3_600_000, 100, 2)}:${part(60_000, 60, 2)}:${part(1_000, 60, 2)}${mark}${part(1, 1_000, 3)}`
}

/** Ten tokens a second: one for 100 ms of the caller's audio (OpenAI, "Realtime costs"). */
const AUDIO_TOKENS_PER_SECOND = 10

/** What a transcript costs on models that are billed in tokens. */
export interface TranscriptUsage {
  readonly textTokens: number
  readonly audioTokens: number
  readonly outputTokens: number
}

/** Counts what was heard, read (the prompt's tokens) and written. */
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

/** As limits and metrics want it. */
export function toUsage({ textTokens, audioTokens, outputTokens }: TranscriptUsage): Usage {
  return {
    promptTokens: textTokens + audioTokens,
    cachedTokens: 0,
    completionTokens: outputTokens,
    reasoningTokens: 0,
  }
}

/** As models that are billed in tokens tell it. */
export function tokensJson({ textTokens, audioTokens, outputTokens }: TranscriptUsage): string {
  const input = textTokens + audioTokens
  return `{"type":"tokens","input_tokens":${input},"input_token_details":{"text_tokens":${textTokens},"audio_tokens":${audioTokens}},"output_tokens":${outputTokens},"total_tokens":${input + outputTokens}}`
}

/** As whisper tells it, which is billed by the second. */
export function durationJson({ durationSeconds }: Transcript): string {
  return `{"type":"duration","seconds":${Math.ceil(durationSeconds)}}`
}
