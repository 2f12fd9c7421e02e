import { performance } from 'node:perf_hooks'
import { createLoopLag } from '../lib/loop-lag.ts'
import type { LoadReport } from './load-report.ts'

/** From here on the times of a stream are likely those of the generator: as much as one gap of a quick model. */
const mostLagMs = 20
/** From here on requests wait for one another in the generator's one thread. */
const mostUtilization = 0.9

/** Watches how busy the process that makes the load is itself. */
export interface GeneratorLoad {
  /** Forgets what was before. */
  restart(): void
  /** What was seen since the start. */
  read(): LoadReport['generator']
}

/** Starts watching this process. */
export function watchGenerator(): GeneratorLoad {
  const lag = createLoopLag()
  let from = performance.eventLoopUtilization()
  return {
    restart() {
      lag.take()
      from = performance.eventLoopUtilization()
    },
    read() {
      const { p99Ms, maxMs } = lag.take()
      const { utilization } = performance.eventLoopUtilization(from)
      return {
        loopLagMs: { p99: round(p99Ms), max: round(maxMs) },
        utilization: round(utilization),
        wasBottleneck: p99Ms >= mostLagMs || utilization >= mostUtilization,
      }
    },
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
