import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How late the event loop was over some time: by how much a timer came after its due time, in milliseconds. */
export interface LoopLagReading {
  readonly medianMs: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** Measures how late the event loop is. */
export interface LoopLag {
  /** What was measured since the last call. */
  take(): LoopLagReading
}

/** How often the lag is sampled; Node's own timer does it, without running any JavaScript. */
const RESOLUTION_MS = 10

const NANOSECONDS_PER_MS = 1e6

/** Measures the event loop of this process from now on. It never stops, and does not keep the process alive. */
export function createLoopLag(): LoopLag {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  histogram.enable()
  // Node records the whole time from one sample to the next, the intended one included.
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
