import { parseRetryAfter, parseRetryAfterMs } from '../wire/retry-after.ts'
import type { HeaderList } from '../pipeline/reply.ts'

/**
 * How long an answer told its client to wait, in milliseconds >= 0; undefined when it told nothing that can be read.
 *
 * `retry-after-ms` is exact and `retry-after` is the same wait in whole seconds, rounded up, or a date. Clients read one or
 * the other, so that the earlier of both is what they were told.
 *
 * @param epochMs when the answer was made, for a `retry-after` that is a date
 */
export function toldWaitMs(headers: HeaderList, epochMs: number): number | undefined {
  const waits = [
    parseRetryAfterMs(headers.get('retry-after-ms')),
    parseRetryAfter(headers.get('retry-after'), epochMs),
  ].filter((waitMs) => waitMs !== undefined)
  return waits.length === 0 ? undefined : Math.min(...waits)
}
