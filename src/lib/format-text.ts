/** Formats a number with thousands separators: `1,250`, `0.4`. */
export function formatNumber(value: number): string {
  // The first call of toLocaleString takes 7 ms, and each start formats integers.
  if (Number.isSafeInteger(value)) return String(value).replace(/\B(?=(?:\d{3})+$)/g, ',')
  return value.toLocaleString('en-US')
}

/** Formats a number with a singular or plural noun: `1 retry`, `1,250 retries`. */
export function countOf(count: number, thing: string): string {
  const plural = thing.endsWith('y') ? `${thing.slice(0, -1)}ies` : `${thing}s`
  return `${formatNumber(count)} ${count === 1 ? thing : plural}`
}

/** Formats a duration, with one decimal below 10 ms: `1,250 ms`, `0.4 ms`. */
export function formatMs(ms: number): string {
  return `${formatNumber(roundTo(ms, ms < 10 ? 1 : 0))} ms`
}

/** Rounds to a number of decimals. */
export function roundTo(value: number, decimals: number): number {
  const scale = 10 ** decimals
  return Math.round(value * scale) / scale
}

/** Replaces all characters except printable ASCII, so that text of a client or an endpoint is safe for a terminal. */
export function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?')
}

/** Printable text of at most `maxCharacters`. Longer text ends with three dots. */
export function printableWithin(text: string, maxCharacters: number): string {
  return printable(text.length > maxCharacters ? `${text.slice(0, maxCharacters - 3)}...` : text)
}
