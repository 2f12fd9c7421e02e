import type { SavedThroughput } from './results.ts'

/** Maximum relative difference below the recorded ratio. */
export const tolerance = 0.15

/** Maximum relative loss with a reader of events. */
export const readerTolerance = 0.02

/** Result for a case: as fast as recorded, slower, or not recorded. */
export type Verdict = 'ok' | 'slower' | 'not recorded'

/** Compares a ratio with the recorded one. */
export function checkRatio(
  measured: number,
  recorded: number | undefined,
  allowed: number = tolerance,
): Verdict {
  if (recorded === undefined) return 'not recorded'
  // NaN (rounds without answers) counts as slower.
  return measured >= recorded * (1 - allowed) ? 'ok' : 'slower'
}

/**
 * Compares a first measurement, and a longer second one if the first is too slow. A busy machine affects one
 * measurement, slower code affects both.
 */
export async function checkWithRetry(
  measure: (attempt: 1 | 2) => Promise<number>,
  recorded: number | undefined,
): Promise<Verdict> {
  const first = checkRatio(await measure(1), recorded)
  return first === 'slower' ? checkRatio(await measure(2), recorded) : first
}

/**
 * Returns recorded cases that were not measured. They were renamed or removed, so the check would silently skip them.
 */
export function missingCases({ cases }: SavedThroughput, measured: readonly string[]): string[] {
  return cases.map(({ name }) => name).filter((name) => !measured.includes(name))
}
