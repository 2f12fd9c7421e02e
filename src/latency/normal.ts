import type { Random } from '../platform/random.ts'

/**
 * A source of normally distributed waiting times in milliseconds. A draw below 0 becomes 0, so a deviation beyond a
 * third of the mean makes the times a little longer on average than the mean (40 % of a deviation, where the mean is 0).
 *
 * Marsaglia's polar method: two draws for a logarithm and a root, and the second is kept for the next call.
 */
export function createNormal(random: Random): (meanMs: number, stdDevMs: number) => number {
  let spare: number | undefined
  return (meanMs, stdDevMs) => {
    let standard = spare
    if (standard === undefined) {
      let x = 0
      let y = 0
      let square = 0
      do {
        x = 2 * random.unit() - 1
        y = 2 * random.unit() - 1
        square = x * x + y * y
      } while (square >= 1 || square === 0)
      const factor = Math.sqrt((-2 * Math.log(square)) / square)
      standard = x * factor
      spare = y * factor
    } else {
      spare = undefined
    }
    return Math.max(0, meanMs + stdDevMs * standard)
  }
}
