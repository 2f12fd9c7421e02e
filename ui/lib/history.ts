import type { Live } from '../../src/server/admin/live-stats.ts'
import { own, type WholeStats } from './live-state.ts'

/** Figures that are kept for charts. NaN or undefined without a value. */
const figures = {
  requests_per_second: ({ window }: Live) => window.requests_per_second,
  tokens_per_second: ({ window }: Live) => window.tokens_per_second,
  prompt_tokens_per_second: ({ window }: Live) => window.prompt_tokens_per_second,
  completion_tokens_per_second: ({ window }: Live) => window.completion_tokens_per_second,
  rate_limited_per_second: ({ window }: Live) => window.rate_limited_per_second,
  errors_per_second: ({ window }: Live) => window.errors_per_second,
  latency_p50_ms: ({ window }: Live) => window.latency_ms?.p50,
  latency_p95_ms: ({ window }: Live) => window.latency_ms?.p95,
  latency_p99_ms: ({ window }: Live) => window.latency_ms?.p99,
  first_token_planned_p50_ms: ({ window }: Live) => window.first_token_ms.planned?.p50,
  first_token_achieved_p50_ms: ({ window }: Live) => window.first_token_ms.achieved?.p50,
  first_token_planned_p95_ms: ({ window }: Live) => window.first_token_ms.planned?.p95,
  first_token_achieved_p95_ms: ({ window }: Live) => window.first_token_ms.achieved?.p95,
  between_tokens_planned_mean_ms: ({ window }: Live) => window.between_tokens_ms.planned?.mean,
  between_tokens_achieved_mean_ms: ({ window }: Live) => window.between_tokens_ms.achieved?.mean,
  between_tokens_planned_p95_ms: ({ window }: Live) => window.between_tokens_ms.planned?.p95,
  between_tokens_achieved_p95_ms: ({ window }: Live) => window.between_tokens_ms.achieved?.p95,
  active: (live: Live) => live.active,
  streams: (live: Live) => live.streams,
  queue: (live: Live) => live.queue,
  slots_working: (live: Live) => live.slots?.working,
  /** Share of the limit of tokens that is used; utilization with provisioned throughput. */
  tokens_used_share: ({ limits }: Live) => {
    if (limits?.kind === 'provisioned') return limits.utilization
    const tokens = limits?.tokens
    return tokens && tokens.limit > 0 ? tokens.used / tokens.limit : undefined
  },
  requests_used_share: ({ limits }: Live) => {
    const requests = limits?.kind === 'pay-as-you-go' ? limits.requests : null
    return requests && requests.limit > 0 ? requests.used / requests.limit : undefined
  },
} satisfies Record<string, (live: Live) => number | undefined>

/** Name of a kept figure. */
export type Figure = keyof typeof figures

const names = Object.keys(figures) as Figure[]
const columnOf = new Map(names.map((name, index) => [name, index]))

/** The values of one tick. */
export interface Sample {
  /** End of the time that it covers, in milliseconds since 1970. */
  readonly atMs: number
  /** Length of that time. */
  readonly windowMs: number
  /** In the order of the requested figures. Null without a value. */
  readonly values: readonly (number | null)[]
}

/** What figures are of. Without a deployment: the sum of the resource. Without a resource: the sum of all. */
export interface Subject {
  readonly resource?: string | undefined
  readonly deployment?: string | undefined
}

/** How long ticks are kept. */
const KEPT_MS = 15 * 60_000
/** Ticks that are kept at most. The shortest interval of events is a second. */
const MAX_TICKS = 900
/** Series at most: the totals, what a view reads, and the first ones with requests. */
const MAX_SERIES = 100

interface Series {
  /** By tick modulo `MAX_TICKS`, then by figure. */
  readonly values: Float32Array
  /** Ticks at which a view has read it, and at which it had requests. -1: never. */
  readTick: number
  busyTick: number
}

/** The figures of the last 15 minutes. A series has at most 900 ticks; all together at most about 9 MB. */
export class History {
  readonly #at = new Float64Array(MAX_TICKS)
  readonly #windows = new Float64Array(MAX_TICKS)
  /** By subject. */
  readonly #series = new Map<string, Series>()
  #ticks = 0

  /** Forgets everything, such as after a restart of the simulator. */
  clear(): void {
    this.#ticks = 0
    this.#series.clear()
  }

  /** Number of ticks so far. */
  get ticks(): number {
    return this.#ticks
  }

  add(stats: WholeStats): void {
    const row = this.#ticks % MAX_TICKS
    this.#at[row] = stats.at_ms
    this.#windows[row] = stats.window_ms
    this.#ticks++
    for (const { values } of this.#series.values()) {
      values.fill(Number.NaN, row * names.length, (row + 1) * names.length)
    }
    this.#write(row, {}, stats.totals)
    const resources = Object.entries(stats.resources)
    for (const [resource, { totals }] of resources) this.#write(row, { resource }, totals)
    for (const [resource, { deployments }] of resources) {
      for (const [deployment, live] of Object.entries(deployments)) {
        this.#write(row, { resource, deployment }, live)
      }
    }
  }

  /** Returns the ticks of a subject, oldest first. Reading keeps its series from now on. */
  samples(subject: Subject, wanted: readonly Figure[], lastMs = KEPT_MS): Sample[] {
    const { values } = this.#read(keyOf(subject))
    const columns = wanted.map((name) => columnOf.get(name) ?? 0)
    const newestMs = this.#at[(this.#ticks - 1) % MAX_TICKS] ?? 0
    const samples: Sample[] = []
    for (let tick = Math.max(0, this.#ticks - MAX_TICKS); tick < this.#ticks; tick++) {
      const row = tick % MAX_TICKS
      const atMs = this.#at[row] ?? 0
      if (atMs <= newestMs - Math.min(lastMs, KEPT_MS)) continue
      samples.push({
        atMs,
        windowMs: this.#windows[row] ?? 0,
        values: columns.map((column) => {
          const value = values[row * names.length + column] ?? Number.NaN
          return Number.isNaN(value) ? null : value
        }),
      })
    }
    return samples
  }

  #write(row: number, subject: Subject, live: Live | undefined): void {
    if (!live) return
    const key = keyOf(subject)
    const isBusy = live.active > 0 || live.window.requests_per_second > 0
    // An idle deployment gets a series when a view reads it.
    const wantsSeries = isBusy || subject.deployment === undefined
    const series =
      this.#series.get(key) ?? (wantsSeries && this.#series.size < MAX_SERIES ? this.#open(key) : undefined)
    if (!series) return
    if (isBusy) series.busyTick = this.#ticks
    for (const [column, name] of names.entries()) {
      series.values[row * names.length + column] = figures[name](live) ?? Number.NaN
    }
  }

  /** Returns a series for a view. It replaces the one that no view has read for the longest time. */
  #read(key: string): Series {
    const series = this.#series.get(key) ?? this.#open(key)
    series.readTick = Math.max(series.readTick, this.#ticks)
    if (this.#series.size > MAX_SERIES) {
      const [[oldest] = []] = [...this.#series].toSorted(
        ([, one], [, other]) => one.readTick - other.readTick || one.busyTick - other.busyTick,
      )
      if (oldest !== undefined) this.#series.delete(oldest)
    }
    return series
  }

  #open(key: string): Series {
    const values = new Float32Array(MAX_TICKS * names.length).fill(Number.NaN)
    // The totals always stay.
    const series = { values, readTick: key === keyOf({}) ? Number.POSITIVE_INFINITY : -1, busyTick: -1 }
    this.#series.set(key, series)
    return series
  }
}

function keyOf({ resource, deployment }: Subject): string {
  return JSON.stringify([resource ?? null, deployment ?? null])
}

/** Returns the current figures of a subject; undefined if it does not exist. */
export function liveOf(stats: WholeStats | undefined, { resource, deployment }: Subject): Live | undefined {
  if (resource === undefined) return stats?.totals
  const found = own(stats?.resources, resource)
  return deployment === undefined ? found?.totals : own(found?.deployments, deployment)
}
