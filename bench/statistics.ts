/** The middle value; between the two middle ones where there is no single one. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return ((sorted[Math.ceil(middle) - 1] ?? NaN) + (sorted[Math.floor(middle)] ?? NaN)) / 2
}

/** What the rounds of one case say together. */
export interface Ratio {
  readonly median: number
  readonly lowest: number
  readonly highest: number
}

/** Compares round by round, because the two halves of a round met the same mood of the machine. */
export function ratioOf(measured: readonly number[], reference: readonly number[]): Ratio {
  const ratios = measured.map((value, round) => value / (reference[round] ?? NaN))
  return { median: median(ratios), lowest: Math.min(...ratios), highest: Math.max(...ratios) }
}

/** The value that a share of the values does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN
}

/** Points of time and what was measured then. */
export type Series = readonly (readonly [x: number, y: number])[]

/**
 * The slope of a line through points: the median of the slopes between any two (Theil and Sen), which a few points far
 * away, such as those around a garbage collection, do not turn. NaN for fewer than two points.
 */
export function slopeOf(points: Series): number {
  const slopes: number[] = []
  for (const [index, [x, y]] of points.entries()) {
    for (const [otherX, otherY] of points.slice(index + 1)) {
      if (otherX !== x) slopes.push((otherY - y) / (otherX - x))
    }
  }
  return quantile(slopes, 0.5)
}
