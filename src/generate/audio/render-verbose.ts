import type { TimedSentence, TimedWord, Transcript } from './transcript-parts.ts'

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
    `"duration":${float(Math.round(durationSeconds * 100) / 100)}`,
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
export function float(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value)
}
