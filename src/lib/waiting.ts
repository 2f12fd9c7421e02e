import type { Clock } from './clock.ts'

/**
 * Resolves after a delay, or as soon as the signal is aborted.
 *
 * @param delayMs Infinity waits only for the signal
 */
export function sleep(delayMs: number, clock: Clock, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const end = (): void => {
      stop()
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const stop = delayMs === Infinity ? () => {} : clock.at(clock.nowMs() + delayMs, end)
    signal?.addEventListener('abort', end, { once: true })
  })
}

/** Minimum and maximum delay between attempts. */
export interface BackoffRange {
  readonly firstMs: number
  readonly maxMs: number
}

/**
 * Exponential backoff before an attempt: the first delay, doubled for each further attempt, up to the maximum.
 *
 * @param retry 0 for the first repetition
 */
export function backoffMs(retry: number, { firstMs, maxMs }: BackoffRange): number {
  // From an exponent of 1024 on, the power is Infinity, which the maximum bounds as well.
  return Math.min(maxMs, firstMs * 2 ** retry)
}
