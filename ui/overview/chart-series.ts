/** A column of a chart: a value for each time, or null for a gap. */
export type Values = readonly (number | null)[]

/** Columns of a chart. Times are in seconds since 1970, ascending. */
export interface ChartSeries {
  readonly times: readonly number[]
  readonly columns: readonly Values[]
}

/** A measurement that covers the time between two ticks. */
export interface Sample {
  /** End of the time that it covers, in milliseconds since 1970. */
  readonly atMs: number
  /** Length of that time. */
  readonly windowMs: number
  readonly values: Values
}

/** A pause between two samples that is longer than this is a gap: nothing is known of this time. */
const MAX_PAUSE_MS = 1_500

/**
 * Returns the columns of samples. Between two samples that do not follow each other there is a point without values, so that
 * no line is drawn over a time in which nothing was measured.
 */
export function seriesOf(samples: Iterable<Sample>, width: number): ChartSeries {
  const times: number[] = []
  const columns: (number | null)[][] = Array.from({ length: width }, () => [])
  let previousMs: number | undefined
  for (const { atMs, windowMs, values } of samples) {
    if (previousMs !== undefined && atMs <= previousMs) continue
    if (previousMs !== undefined && atMs - windowMs - previousMs > MAX_PAUSE_MS) {
      times.push((previousMs + atMs) / 2_000)
      for (const column of columns) column.push(null)
    }
    times.push(atMs / 1_000)
    for (const [index, column] of columns.entries()) column.push(values[index] ?? null)
    previousMs = atMs
  }
  return { times, columns }
}

/** How the values of one bucket become one value. */
export type Combine = 'mean' | 'max'

/**
 * Combines the points of each bucket of time into one.
 *
 * Buckets start at multiples of their length, so a finished point never changes while time goes on. A bucket with a gap, and no
 * value, stays a gap.
 *
 * @param bucketSeconds length of a bucket; up to 1 the series is returned as it is
 */
export function downsample(
  { times, columns }: ChartSeries,
  bucketSeconds: number,
  combine: readonly Combine[],
): ChartSeries {
  if (bucketSeconds <= 1) return { times, columns }
  const ends: number[] = []
  const starts: number[] = []
  for (const [index, time] of times.entries()) {
    const bucket = Math.floor(time / bucketSeconds)
    if (starts.length === 0 || Math.floor((times[index - 1] ?? 0) / bucketSeconds) !== bucket)
      starts.push(index)
    ends[starts.length - 1] = index
  }
  return {
    times: ends.map((end) => times[end] ?? 0),
    columns: columns.map((column, at) =>
      starts.map((start, bucket) =>
        combineValues(column, { start, end: ends[bucket] ?? start }, combine[at] ?? 'mean'),
      ),
    ),
  }
}

function combineValues(
  values: Values,
  { start, end }: { readonly start: number; readonly end: number },
  combine: Combine,
): number | null {
  let count = 0
  let result = 0
  for (let index = start; index <= end; index++) {
    const value = values[index] ?? null
    if (value === null) continue
    result =
      combine === 'max' && count > 0 ? Math.max(result, value) : combine === 'max' ? value : result + value
    count++
  }
  if (count === 0) return null
  return combine === 'max' ? result : result / count
}

/** Length of a bucket for a chart of so many seconds and pixels: at most one point for two pixels. */
export function bucketSeconds(rangeSeconds: number, widthPixels: number): number {
  const wanted = rangeSeconds / Math.max(1, widthPixels / 2)
  return [1, 2, 5, 10, 15, 30].find((length) => length >= wanted) ?? 60
}
