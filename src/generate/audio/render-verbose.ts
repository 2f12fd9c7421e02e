import { hashText } from '../text-features.ts'
import type { TimedSentence, TimedWord, Transcript } from './transcript.ts'

/** What `verbose_json` tells beside the transcript. */
export interface VerboseFacts {
  readonly task: 'transcribe' | 'translate'
  /** The English name of the language, in lower case. */
  readonly language: string
  readonly temperature: number
  readonly granularities: ReadonlySet<'word' | 'segment'>
  /** JSON of the usage; undefined leaves it out. */
  readonly usage: string | undefined
}

/** The body of `verbose_json`, in the order of OpenAI's specification, numbers with a point as Python writes them. */
export function renderVerbose(transcript: Transcript, facts: VerboseFacts): string {
  const { durationSeconds, text, sentences } = transcript
  const { task, language, temperature, granularities, usage } = facts
  const parts = [
    `"task":"${task}"`,
    `"language":${JSON.stringify(language)}`,
    `"duration":${float(Math.round(durationSeconds * 100) / 100)}`,
    `"text":${JSON.stringify(text)}`,
  ]
  if (granularities.has('segment')) {
    parts.push(
      `"segments":[${sentences.map((sentence, id) => segmentJson(sentence, id, temperature)).join(',')}]`,
    )
  }
  if (granularities.has('word')) {
    parts.push(`"words":[${sentences.flatMap(({ words }) => words.map(wordJson)).join(',')}]`)
  }
  if (usage !== undefined) parts.push(`"usage":${usage}`)
  return `{${parts.join(',')}}`
}

/** Whisper listens to 30 seconds at a time; `seek` counts frames of 10 ms to the start of such a window. */
const windowSeconds = 30
const framesPerSecond = 100

/** Whisper's vocabulary: tokens of text, and one of time for every 20 ms of a window. */
const textTokens = 50_257
const firstTimeToken = 50_364
const timeTokensPerSecond = 50

function segmentJson({ text, start, end, words }: TimedSentence, id: number, temperature: number): string {
  const windowStart = Math.floor(start / windowSeconds) * windowSeconds
  const timeToken = (seconds: number): number =>
    firstTimeToken + Math.round(Math.min(seconds - windowStart, windowSeconds) * timeTokensPerSecond)
  // Whisper's vocabulary is not here: each word has a number of its own, always the same.
  const tokens = [
    timeToken(start),
    ...words.map(({ word }) => hashText(word, 0) % textTokens),
    timeToken(end),
  ]
  // As plausible as those of clear speech, and as settled as the text.
  const share = (salt: number): number => (hashText(text, salt) % 1_000) / 1_000
  return `{"id":${id},"seek":${windowStart * framesPerSecond},"start":${float(start)},"end":${float(end)},"text":${JSON.stringify(` ${text}`)},"tokens":[${tokens.join(',')}],"temperature":${float(temperature)},"avg_logprob":${rounded(-0.2 - share(1) * 0.2)},"compression_ratio":${rounded(1.1 + share(2) * 0.5)},"no_speech_prob":${rounded(0.001 + share(3) * 0.04)}}`
}

function wordJson({ word, start, end }: TimedWord): string {
  return `{"word":${JSON.stringify(word)},"start":${float(start)},"end":${float(end)}}`
}

function rounded(value: number): string {
  return float(Number(value.toFixed(4)))
}

/** Seconds and shares keep a point, also where they are whole: 3.0. */
export function float(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value)
}
