/** Median. For an even number of values, the mean of the two middle ones. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return ((sorted[Math.ceil(middle) - 1] ?? NaN) + (sorted[Math.floor(middle)] ?? NaN)) / 2
}

/** Ratios of all rounds of a case. */
export interface Ratio {
  readonly median: number
  readonly lowest: number
  readonly highest: number
}

/** Compares round by round, because both halves of a round run under the same conditions. */
export function ratioOf(measured: readonly number[], reference: readonly number[]): Ratio {
  const ratios = measured.map((value, round) => value / (reference[round] ?? NaN))
  return { median: median(ratios), lowest: Math.min(...ratios), highest: Math.max(...ratios) }
}

/** Returns the given quantile of the values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN
}

/** Measurements with their times. */
export type Series = readonly (readonly [x: number, y: number])[]

/**
 * Slope of a line through points: the median of the slopes between any two points (Theil-Sen estimator). It is robust
 * against outliers, such as those around a garbage collection. NaN for fewer than two points.
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
