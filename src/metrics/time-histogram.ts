/** Counts of durations in buckets of 1/32 of a power of two, so that a quantile is off by at most 1.6 %. Plain data. */
export interface TimeCounts {
  readonly count: number
  readonly sumMs: number
  /** By power of two of the microseconds; each has 32 buckets. Missing without a duration in it. */
  readonly octaves: readonly (Float64Array | undefined)[]
}

const BUCKET_BITS = 5
const BUCKETS = 2 ** BUCKET_BITS
const OCTAVES = 31
/** About 36 minutes. Longer durations count as this. */
const MAX_US = 2 ** OCTAVES - 1
const US_PER_MS = 1_000
const MAX_MS = MAX_US / US_PER_MS

/** A histogram of durations that is fast enough for each token of a stream: a few integer operations and one addition. */
export class TimeHistogram implements TimeCounts {
  count = 0
  sumMs = 0
  readonly octaves: (Float64Array | undefined)[] = []

  /** Counts a duration so many times. */
  add(ms: number, times: number): void {
    this.count += times
    this.sumMs += ms * times
    const us = ms < MAX_MS ? (ms * US_PER_MS) | 0 : MAX_US
    const octave = us < 2 ? 0 : OCTAVES - Math.clz32(us)
    const bucket = (octave > BUCKET_BITS ? us >>> (octave - BUCKET_BITS) : us << (BUCKET_BITS - octave)) & 31
    const buckets = this.octaves[octave] ?? this.#open(octave)
    buckets[bucket] = (buckets[bucket] ?? 0) + times
  }

  /** Adds the counts of another histogram, or subtracts them. */
  merge(other: TimeCounts, sign: 1 | -1 = 1): void {
    this.count += sign * other.count
    this.sumMs += sign * other.sumMs
    for (const [octave, counts] of other.octaves.entries()) {
      if (!counts) continue
      const buckets = this.octaves[octave] ?? this.#open(octave)
      for (const [bucket, count] of counts.entries()) buckets[bucket] = (buckets[bucket] ?? 0) + sign * count
    }
  }

  /** A copy that does not change. */
  snapshot(): TimeCounts {
    const { count, sumMs, octaves } = this
    return { count, sumMs, octaves: octaves.map((buckets) => buckets?.slice()) }
  }

  #open(octave: number): Float64Array {
    const buckets = new Float64Array(BUCKETS)
    this.octaves[octave] = buckets
    return buckets
  }
}

/** Durations in milliseconds. */
export interface TimeSummary {
  readonly count: number
  readonly mean: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/** Mean and quantiles; undefined without durations. */
export function summarize({ count, sumMs, octaves }: TimeCounts): TimeSummary | undefined {
  if (count <= 0) return undefined
  const [p50 = 0, p95 = p50, p99 = p95] = quantilesMs(octaves, [0.5 * count, 0.95 * count, 0.99 * count])
  return { count, mean: Math.max(0, sumMs / count), p50, p95, p99 }
}

/** The durations with ascending ranks. */
function quantilesMs(octaves: TimeCounts['octaves'], ranks: readonly number[]): number[] {
  const found: number[] = []
  let below = 0
  for (const [octave, buckets] of octaves.entries()) {
    for (const [bucket, count] of buckets?.entries() ?? []) {
      if (count <= 0) continue
      below += count
      for (const rank of ranks.slice(found.length)) if (rank <= below) found.push(middleMs(octave, bucket))
    }
  }
  return found
}

/** The middle of a bucket. Durations below 2 microseconds are 0. */
function middleMs(octave: number, bucket: number): number {
  if (octave === 0) return 0
  const us = 2 ** octave * (1 + bucket / BUCKETS)
  // Whole microseconds are exact below 64.
  return (octave > BUCKET_BITS ? us + 2 ** octave / BUCKETS / 2 : us) / US_PER_MS
}

/** The kinds of times of a deployment. Planned ones come from latency settings, faults and headers; achieved ones are measured. */
export const timeKinds = ['latency', 'firstPlanned', 'firstAchieved', 'gapPlanned', 'gapAchieved'] as const

/** A kind of time. */
export type TimeKind = (typeof timeKinds)[number]

/** The times of a deployment, or the sum of several. */
export type Times = Readonly<Record<TimeKind, TimeCounts>>

/** The times of answers: until the end, to the first token, and between tokens. */
export class AnswerTimes implements Times {
  readonly latency = new TimeHistogram()
  readonly firstPlanned = new TimeHistogram()
  readonly firstAchieved = new TimeHistogram()
  readonly gapPlanned = new TimeHistogram()
  readonly gapAchieved = new TimeHistogram()

  /** Counts the first token of a stream, in milliseconds since the start of the request. */
  firstToken(plannedMs: number, achievedMs: number): void {
    this.firstPlanned.add(plannedMs, 1)
    this.firstAchieved.add(achievedMs, 1)
  }

  /** Counts the time between tokens. */
  gaps(plannedMs: number, achievedMs: number, count: number): void {
    this.gapPlanned.add(plannedMs, count)
    this.gapAchieved.add(achievedMs, count)
  }

  merge(other: Times, sign: 1 | -1 = 1): void {
    for (const kind of timeKinds) if (other[kind].count !== 0) this[kind].merge(other[kind], sign)
  }

  snapshot(): Times {
    const { latency, firstPlanned, firstAchieved, gapPlanned, gapAchieved } = this
    return {
      latency: latency.snapshot(),
      firstPlanned: firstPlanned.snapshot(),
      firstAchieved: firstAchieved.snapshot(),
      gapPlanned: gapPlanned.snapshot(),
      gapAchieved: gapAchieved.snapshot(),
    }
  }
}
