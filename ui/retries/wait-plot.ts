import type { JournalEntry } from './retry-verdict.ts'

export type RetryKind = 'ok' | 'early' | 'forbidden'

/** A retry in the picture of waits. */
export interface RetryPoint {
  readonly id: number
  readonly requestId: string
  readonly at: string
  readonly client: string
  readonly resource: string
  readonly deployment: string | null
  readonly status: number
  readonly index: number
  readonly waitedMs: number
  /** The wait that the failed answer asked for; undefined without one. */
  readonly toldMs: number | undefined
  readonly kind: RetryKind
}

/** The retry of a journal entry; undefined for other entries. */
export function pointOf(entry: JournalEntry): RetryPoint | undefined {
  const { retry } = entry
  if (!retry) return undefined
  return {
    id: entry.id,
    requestId: entry.request_id,
    at: entry.at,
    client: entry.client,
    resource: entry.resource ?? 'default',
    deployment: entry.deployment,
    status: entry.status,
    index: retry.index,
    waitedMs: retry.waited_ms,
    toldMs: retry.told_ms ?? undefined,
    kind: retry.forbidden ? 'forbidden' : retry.early ? 'early' : 'ok',
  }
}

/** Number of retries that are kept for the picture. */
const MAX_POINTS = 500

/** Adds new entries to the points of earlier ones, and keeps the latest. */
export function addPoints(
  known: readonly RetryPoint[],
  entries: readonly JournalEntry[],
): readonly RetryPoint[] {
  const lastId = known.at(-1)?.id ?? 0
  const added = entries.flatMap((entry) => (entry.id > lastId ? (pointOf(entry) ?? []) : []))
  return added.length === 0 ? known : [...known, ...added].slice(-MAX_POINTS)
}

/** A logarithmic axis for waits. */
export interface WaitAxis {
  /** Waits with a line and a label. */
  readonly ticksMs: readonly number[]
  /** Position of a wait, from 0 to 1. */
  readonly at: (ms: number) => number
}

/** Shorter waits are at the start of the axis. */
const MIN_MS = 1

/**
 * The axis from the decade of the shortest wait to that of the longest one, at least two decades. Both directions have the same, so
 * that the diagonal is the wait that was asked for.
 */
export function waitAxis(points: readonly Pick<RetryPoint, 'waitedMs' | 'toldMs'>[]): WaitAxis {
  const waits = points.flatMap(({ waitedMs, toldMs = waitedMs }) => [waitedMs, toldMs])
  const decadeOf = (ms: number): number => Math.log10(Math.max(ms, MIN_MS))
  // 1e-9: log10(1000) can be a little above 3.
  const last = Math.max(2, Math.ceil(waits.reduce((max, ms) => Math.max(max, decadeOf(ms)), 0) - 1e-9))
  const shortest = waits.reduce((min, ms) => Math.min(min, decadeOf(ms)), last)
  const first = Math.min(Math.floor(shortest + 1e-9), last - 2)
  return {
    ticksMs: Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index)),
    at: (ms) => Math.min(1, Math.max(0, (decadeOf(ms) - first) / (last - first))),
  }
}
