import { float } from './render-verbose.ts'
import type { TimedSentence, Transcript } from './transcript-parts.ts'

/** Two take turns; the service names speakers that it does not know by letters. */
const speakers = ['A', 'B']

/** A sentence with who says it: a segment of `diarized_json`, and an event of its stream. */
export function diarizedSegmentJson({ text, start, end }: TimedSentence, index: number): string {
  const id = `seg_${String(index + 1).padStart(3, '0')}`
  return `{"type":"transcript.text.segment","id":"${id}","start":${float(start)},"end":${float(end)},"text":${JSON.stringify(text)},"speaker":"${speakers[index % speakers.length]}"}`
}

/** The body of `diarized_json`; `usage` is JSON. */
export function renderDiarized({ durationSeconds, text, sentences }: Transcript, usage: string): string {
  const duration = float(Math.round(durationSeconds * 100) / 100)
  return `{"task":"transcribe","duration":${duration},"text":${JSON.stringify(text)},"segments":[${sentences.map(diarizedSegmentJson).join(',')}],"usage":${usage}}`
}
