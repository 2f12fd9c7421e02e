import type { LoopLag, LoopLagReading } from '../lib/loop-lag.ts'

/** What a stretch of time showed that the simulator could not keep up with. */
export interface Bottleneck {
  readonly windowMs: number
  /** Parts of answers that were sent at a planned time. */
  readonly parts: number
  /** Those of them that went out more than `lateMs` after it. */
  readonly lateParts: number
  readonly worstMs: number
  readonly loopLag: LoopLagReading
}

/** A part that goes out later than this after its planned time is late; a token of a fast model takes less. */
const MAX_LATENESS_MS = 25

/** The simulator is the bottleneck where more than this share of the parts of a window is late ... */
const MAX_LATE_SHARE = 0.01

/** ... or where the event loop's lag is above this in one sample of a hundred. */
const MAX_LAG_MS = 50

/** How long a window is, at least: it ends with the first event after it. */
export const WINDOW_MS = 5_000

/** How long the gauge stays at 1 after a bad window, so that no scrape misses it, and how often a warning is logged. */
export const ALERT_DURATION_MS = 60_000

/** Few parts make no share: one late token of ten says nothing. */
const MIN_PARTS = 50

const noLag: LoopLagReading = { medianMs: 0, p99Ms: 0, maxMs: 0 }

/** Where the watch takes its figures from, and whom it tells. */
export interface BottleneckWatchOptions {
  /** Absent: the loop is not watched. */
  readonly loopLag?: LoopLag | undefined
  /** Hears of a bad window, once in `holdMs` at most. */
  readonly onBottleneck: (found: Bottleneck) => void
}

/**
 * Notices when the simulator itself is the slow part: when what it sends goes out late, or when its event loop lags. It has
 * no timer of its own, for it only matters while there are requests: each of them, and each look at the metrics, moves it on.
 * The first of them begins the first window: a loop that lagged before, while the program started, has held up nobody.
 */
export class BottleneckWatch {
  readonly #options: BottleneckWatchOptions
  #windowStartMs: number | undefined
  #parts = 0
  #lateParts = 0
  #worstMs = 0
  #lastLag = noLag
  #lastBadMs = -Infinity
  #lastToldMs = -Infinity

  constructor(options: BottleneckWatchOptions) {
    this.#options = options
  }

  /** The lag of the event loop in the last window. */
  get loopLag(): LoopLagReading {
    return this.#lastLag
  }

  /** Counts a part that was sent at a planned time. */
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
    if (isBottleneck(found)) this.#tell(found, nowMs)
  }

  /** Whether a window of the last minute was bad. */
  isSlow(nowMs: number): boolean {
    this.advance(nowMs)
    return nowMs - this.#lastBadMs <= ALERT_DURATION_MS
  }

  #tell(found: Bottleneck, nowMs: number): void {
    this.#lastBadMs = nowMs
    if (nowMs - this.#lastToldMs < ALERT_DURATION_MS) return
    this.#lastToldMs = nowMs
    this.#options.onBottleneck(found)
  }
}

function isBottleneck({ parts, lateParts, loopLag }: Bottleneck): boolean {
  return (parts >= MIN_PARTS && lateParts > parts * MAX_LATE_SHARE) || loopLag.p99Ms > MAX_LAG_MS
}

/** Says in plain words what was found, what it means and what to do. */
export function describeBottleneck(found: Bottleneck): string {
  const { parts, lateParts, worstMs, loopLag } = found
  const share = ((100 * lateParts) / parts).toFixed(1)
  const late =
    parts === 0
      ? ''
      : `${lateParts} of ${parts} tokens and answers (${share} %) went out more than ${MAX_LATENESS_MS} ms after they were due, the worst ${Math.round(worstMs)} ms, and `
  return (
    'The simulator itself was the slow part, not what it simulates: ' +
    `in the last ${Math.round(found.windowMs / 1_000)} s ${late}the event loop lagged by ` +
    `${Math.round(loopLag.p99Ms)} ms (p99). Times measured meanwhile say little about the service. ` +
    'Start more processes, give the simulator a core of its own, or send it less.'
  )
}
