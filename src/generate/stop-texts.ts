/** A text that ends where a stop text began. */
export interface StoppedText {
  /** What is left to see; its last piece may be part of a token. */
  readonly pieces: readonly string[]
  /** Tokens that were generated and are not seen: those of the stop text. */
  readonly unseenTokens: number
}

/**
 * Ends a text before the stop text that is complete first, even where it lies across pieces. Undefined when none
 * occurs. Of two that end together, the longer one is taken. Empty stop texts end nothing.
 */
export function endAtStop(pieces: readonly string[], stops: readonly string[]): StoppedText | undefined {
  const text = pieces.join('')
  let start = text.length
  let end = Infinity
  for (const stop of stops) {
    const at = stop === '' ? -1 : text.indexOf(stop)
    if (at === -1) continue
    const stopEnd = at + stop.length
    if (stopEnd > end || (stopEnd === end && at >= start)) continue
    start = at
    end = stopEnd
  }
  if (end === Infinity) return undefined

  const seen: string[] = []
  let generated = 0
  for (let offset = 0; offset < end; generated++) {
    const piece = pieces[generated] ?? ''
    if (offset < start) seen.push(piece.slice(0, start - offset))
    offset += piece.length
  }
  return { pieces: seen, unseenTokens: generated - seen.length }
}
