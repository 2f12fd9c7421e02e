import type { Trace } from '../../src/server/admin/trace-schemas.ts'

export type Chunk = Trace['chunks'][number]

/** A part with its delay and the time since the part before it, in milliseconds. */
export interface TimedChunk extends Chunk {
  readonly index: number
  /** Null for a part without a due time. */
  readonly late_ms: number | null
  /** For the first part, the time since the start of the request. */
  readonly gap_ms: number
}

export function timedChunks(chunks: readonly Chunk[]): TimedChunk[] {
  let beforeMs = 0
  return chunks.map((chunk, index) => {
    const { planned_ms: plannedMs, actual_ms: actualMs } = chunk
    const timed = {
      ...chunk,
      index,
      late_ms: plannedMs === null ? null : Math.max(0, actualMs - plannedMs),
      gap_ms: Math.max(0, actualMs - beforeMs),
    }
    beforeMs = actualMs
    return timed
  })
}

/** Figures of the parts. Undefined without a part that has them. */
export interface ChunkFigures {
  readonly bytes: number
  readonly firstMs: number
  readonly lastMs: number
  readonly medianGapMs: number | undefined
  readonly longestGap: TimedChunk | undefined
  readonly medianLateMs: number | undefined
  readonly latest: TimedChunk | undefined
}

/** Gaps do not include the time before the first part. */
export function figuresOf(chunks: readonly TimedChunk[]): ChunkFigures {
  const scheduled = chunks.filter(({ late_ms: lateMs }) => lateMs !== null)
  const later = chunks.slice(1)
  return {
    bytes: chunks.reduce((sum, chunk) => sum + chunk.bytes, 0),
    firstMs: chunks[0]?.actual_ms ?? 0,
    lastMs: chunks.at(-1)?.actual_ms ?? 0,
    medianGapMs: medianOf(later.map((chunk) => chunk.gap_ms)),
    longestGap: largestBy(later, (chunk) => chunk.gap_ms),
    medianLateMs: medianOf(scheduled.map((chunk) => chunk.late_ms ?? 0)),
    latest: largestBy(scheduled, (chunk) => chunk.late_ms ?? 0),
  }
}

function medianOf(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((one, other) => one - other)
  const middle = sorted.length / 2
  const above = sorted[Math.floor(middle)]
  const below = sorted[Math.ceil(middle) - 1]
  return above === undefined || below === undefined ? undefined : (above + below) / 2
}

function largestBy(chunks: readonly TimedChunk[], valueOf: (chunk: TimedChunk) => number) {
  let largest: TimedChunk | undefined
  for (const chunk of chunks) if (!largest || valueOf(chunk) > valueOf(largest)) largest = chunk
  return largest
}

/** A range of time that the picture shows, in milliseconds. */
export interface TimeRange {
  readonly fromMs: number
  readonly toMs: number
}

/** The time from the first to the last part, with a margin. A single moment gets a width. */
export function rangeOf(chunks: readonly TimedChunk[]): TimeRange {
  let fromMs = Infinity
  let toMs = -Infinity
  for (const { planned_ms: plannedMs, actual_ms: actualMs } of chunks) {
    fromMs = Math.min(fromMs, actualMs, plannedMs ?? actualMs)
    toMs = Math.max(toMs, actualMs, plannedMs ?? actualMs)
  }
  if (fromMs > toMs) return { fromMs: 0, toMs: 1 }
  const margin = Math.max((toMs - fromMs) * 0.015, 0.5)
  return { fromMs: Math.max(0, fromMs - margin), toMs: toMs + margin }
}

/** Returns the index of the part that was sent nearest to a time. */
export function nearestTo(chunks: readonly TimedChunk[], ms: number): number {
  let low = 0
  let high = chunks.length - 1
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if ((chunks[middle]?.actual_ms ?? 0) < ms) low = middle + 1
    else high = middle
  }
  const before = chunks[low - 1]
  const after = chunks[low]
  if (!before || !after) return low
  return ms - before.actual_ms < after.actual_ms - ms ? low - 1 : low
}

/** A time on the axis. */
export interface AxisTime {
  readonly ms: number
  readonly label: string
}

const MS_PER_SECOND = 1_000

/** At most about `count` round times within the range, in seconds if the range has some. */
export function axisTimes({ fromMs, toMs }: TimeRange, count = 6): AxisTime[] {
  const raw = (toMs - fromMs) / count
  const magnitude = 10 ** Math.floor(Math.log10(raw))
  const step = [1, 2, 5, 10].map((factor) => factor * magnitude).find((value) => value >= raw) ?? raw
  const isSeconds = toMs >= 2 * MS_PER_SECOND
  const unitMs = isSeconds ? MS_PER_SECOND : 1
  const decimals = Math.max(0, -Math.floor(Math.log10(step / unitMs) + 1e-9))
  const times: AxisTime[] = []
  for (let ms = Math.ceil(fromMs / step) * step; ms <= toMs; ms += step) {
    times.push({ ms, label: `${(ms / unitMs).toFixed(decimals)}\u202f${isSeconds ? 's' : 'ms'}` })
  }
  return times
}
