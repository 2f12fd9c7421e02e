import type { Random } from '../../lib/random.ts'

/** An integer from `low` to `high`, both included. Beyond 2^53 apart it is as exact as a number can be. */
export function between(random: Random, low: number, high: number): number {
  return Math.min(high, low + Math.floor(random.unit() * (high - low + 1)))
}

/** One of a list that is not empty. */
export function pick<T>(random: Random, list: readonly T[]): T {
  return list[random.below(list.length)] as T
}

/** True `count` times of `outOf`. */
export function chance(random: Random, count: number, outOf: number): boolean {
  return random.below(outOf) < count
}
