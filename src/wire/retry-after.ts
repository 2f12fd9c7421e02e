/** The wait of a `retry-after-ms` header, in milliseconds >= 0; undefined where it tells none that can be read. */
export function parseRetryAfterMs(text: string | undefined): number | undefined {
  return parseNumber(text)
}

/**
 * The wait of a `retry-after` header, in milliseconds >= 0; undefined where it tells none that can be read.
 *
 * @param text seconds, or a date (RFC 9110, 10.2.3)
 * @param epochMs when the answer was made, for a date
 */
export function parseRetryAfter(text: string | undefined, epochMs: number): number | undefined {
  const seconds = parseNumber(text)
  if (seconds !== undefined) return seconds * 1_000
  const dateMs = text === undefined ? NaN : Date.parse(text)
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - epochMs)
}

function parseNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : undefined
}
