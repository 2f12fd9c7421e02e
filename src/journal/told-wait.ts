import type { HeaderList } from '../pipeline/header-list.ts'

/**
 * How long an answer told its client to wait, in milliseconds >= 0; undefined when it told nothing that can be read.
 *
 * `retry-after-ms` is exact and `retry-after` is the same wait in whole seconds, rounded up, or a date. Clients read one or
 * the other, so that the earlier of both is what they were told.
 *
 * @param epochMs when the answer was made, for a `retry-after` that is a date
 */
export function toldWaitMs(headers: HeaderList, epochMs: number): number | undefined {
  const waits = [numberIn(headers.get('retry-after-ms')), fromRetryAfter(headers, epochMs)].filter(
    (waitMs) => waitMs !== undefined,
  )
  return waits.length === 0 ? undefined : Math.min(...waits)
}

function fromRetryAfter(headers: HeaderList, epochMs: number): number | undefined {
  const text = headers.get('retry-after')
  const seconds = numberIn(text)
  if (seconds !== undefined) return seconds * 1_000
  const dateMs = text === undefined ? NaN : Date.parse(text)
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - epochMs)
}

function numberIn(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : undefined
}
