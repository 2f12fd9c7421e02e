import type { LoopLag, LoopLagReading } from '../lib/loop-lag.ts'

/** Measurements of a window in which the simulator was too slow. */
export interface Bottleneck {
  readonly windowMs: number
  /** Number of parts of answers with a planned time. */
  readonly parts: number
  /** Number of parts that were sent more than 25 ms late. */
  readonly lateParts: number
  /** Maximum lateness. */
  readonly worstMs: number
  readonly loopLag: LoopLagReading
}

/** A part that is later than this counts as late. Tokens of a fast model have shorter intervals. */
const MAX_LATENESS_MS = 25

/** The simulator is the bottleneck if more than this share of the parts in a window is late ... */
const MAX_LATE_SHARE = 0.01

/** ... or if event-loop lag (p99) is above this. */
const MAX_LAG_MS = 50

/** Minimum length of a window. It ends with the first event after this time. */
export const WINDOW_MS = 5_000

/** How long the gauge stays at 1, so that a scrape cannot miss it, and the minimum interval between warnings. */
export const ALERT_DURATION_MS = 60_000

/** Minimum number of parts for a meaningful share. */
const MIN_PARTS = 50

const noLag: LoopLagReading = { medianMs: 0, p99Ms: 0, maxMs: 0 }

/** Options of `BottleneckWatch`. */
export interface BottleneckWatchOptions {
  /** Absent: event-loop lag is not measured. */
  readonly loopLag?: LoopLag | undefined
  /** Called after a slow window, at most once per minute. */
  readonly onBottleneck: (found: Bottleneck) => void
}

/**
 * Detects when the simulator is the bottleneck: when parts of answers are sent late, or the event loop lags. It has no timer.
 * Requests and scrapes of metrics advance it. The first request or scrape starts the first window, so lag during start-up does not
 * count.
 */
export class BottleneckWatch {
  readonly #options: BottleneckWatchOptions
  #windowStartMs: number | undefined
  #parts = 0
  #lateParts = 0
  #worstMs = 0
  #lastLag = noLag
  #lastSlow: Bottleneck | undefined
  #lastSlowMs = -Infinity
  #lastReportMs = -Infinity

  constructor(options: BottleneckWatchOptions) {
    this.#options = options
  }

  /** Event-loop lag in the last window. */
  get loopLag(): LoopLagReading {
    return this.#lastLag
  }

  /** Counts a part of an answer that was sent. */
  sent(partLateMs: number, nowMs: number): void {
    this.advance(nowMs)
    this.#parts++
    if (partLateMs > MAX_LATENESS_MS) this.#lateParts++
    if (partLateMs > this.#worstMs) this.#worstMs = partLateMs
  }

  /** Ends the window when its time is over. */
  advance(nowMs: number): void {
    if (this.#windowStartMs === undefined) {
      this.#windowStartMs = nowMs
      this.#options.loopLag?.take()
      return
    }
    const elapsedMs = nowMs - this.#windowStartMs
    if (elapsedMs < WINDOW_MS) return
    const loopLag = this.#options.loopLag?.take() ?? noLag
    const found: Bottleneck = {
      windowMs: elapsedMs,
      parts: this.#parts,
      lateParts: this.#lateParts,
      worstMs: this.#worstMs,
      loopLag,
    }
    this.#windowStartMs = nowMs
    this.#parts = this.#lateParts = this.#worstMs = 0
    this.#lastLag = loopLag
    if (isBottleneck(found)) this.#report(found, nowMs)
  }

  /** Whether a window in the last minute was slow. */
  isSlow(nowMs: number): boolean {
    return this.lastSlow(nowMs) !== undefined
  }

  /** The last window that was slow; undefined if none in the last minute was. */
  lastSlow(nowMs: number): Bottleneck | undefined {
    this.advance(nowMs)
    return nowMs - this.#lastSlowMs <= ALERT_DURATION_MS ? this.#lastSlow : undefined
  }

  #report(found: Bottleneck, nowMs: number): void {
    this.#lastSlow = found
    this.#lastSlowMs = nowMs
    if (nowMs - this.#lastReportMs < ALERT_DURATION_MS) return
    this.#lastReportMs = nowMs
    this.#options.onBottleneck(found)
  }
}

function isBottleneck({ parts, lateParts, loopLag }: Bottleneck): boolean {
  return (parts >= MIN_PARTS && lateParts > parts * MAX_LATE_SHARE) || loopLag.p99Ms > MAX_LAG_MS
}

/** The log message for a bottleneck: cause, figures and fix. */
export function describeBottleneck(found: Bottleneck): string {
  const { parts, lateParts, worstMs, loopLag } = found
  const share = ((100 * lateParts) / parts).toFixed(1)
  const late =
    parts === 0
      ? ''
      : `${lateParts} of ${parts} tokens and answers (${share} %) were sent more than ${MAX_LATENESS_MS} ms late (at most ${Math.round(worstMs)} ms), and `
  return (
    `The simulator was the bottleneck: in the last ${Math.round(found.windowMs / 1_000)} s, ${late}event-loop lag was ` +
    `${Math.round(loopLag.p99Ms)} ms (p99). Times measured in this period do not describe the simulated service. ` +
    'Add workers, give each process its own core, or reduce the load.'
  )
}
