import type { TimedSentence } from './transcript-parts.ts'

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
