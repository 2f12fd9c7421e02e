import { monitorEventLoopDelay } from 'node:perf_hooks'

/** Event-loop lag over a period: how late timers fired, in milliseconds. */
export interface LoopLagReading {
  readonly medianMs: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** Measures event-loop lag. */
export interface LoopLag {
  /** Returns the lag since the last call and resets it. */
  take(): LoopLagReading
}

/** Sampling interval. Node.js samples natively, without running JavaScript. */
const RESOLUTION_MS = 10

const NANOSECONDS_PER_MS = 1e6

/** Starts to measure the event loop of this process. It never stops, and does not keep the process alive. */
export function createLoopLag(): LoopLag {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  histogram.enable()
  // Node.js records the time between samples, which includes the interval itself.
  const lagMs = (nanoseconds: number): number => Math.max(0, nanoseconds / NANOSECONDS_PER_MS - RESOLUTION_MS)
  return {
    take() {
      const { max } = histogram
      const reading = {
        medianMs: lagMs(histogram.percentile(50)),
        p99Ms: lagMs(histogram.percentile(99)),
        maxMs: lagMs(max),
      }
      histogram.reset()
      return reading
    },
  }
}
