import type { SavedThroughput } from './results.ts'

/** How far a ratio may be below the recorded one, as a share of that. */
export const tolerance = 0.15

/** What is said of a case: as fast as recorded, slower, or with nothing to compare it with. */
export type Verdict = 'ok' | 'slower' | 'not recorded'

/** Judges a ratio against the recorded one. */
export function judge(measured: number, recorded: number | undefined): Verdict {
  if (recorded === undefined) return 'not recorded'
  // NaN, of rounds without a single answer, is slower too.
  return measured >= recorded * (1 - tolerance) ? 'ok' : 'slower'
}

/**
 * Judges by a first measurement, and by a second, longer one where the first is too slow: a busy moment of the machine
 * fails one, slower code fails both.
 */
export async function judgeTwice(
  measure: (attempt: 1 | 2) => Promise<number>,
  recorded: number | undefined,
): Promise<Verdict> {
  const first = judge(await measure(1), recorded)
  return first === 'slower' ? judge(await measure(2), recorded) : first
}

/** Cases of the record that were not measured: renamed or lost, which would take them out of the check unseen. */
export function lostCases({ cases }: SavedThroughput, measured: readonly string[]): string[] {
  return cases.map(({ name }) => name).filter((name) => !measured.includes(name))
}
