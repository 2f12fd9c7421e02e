import type { ConnectionEnd } from './connection-end.ts'
import { type Stage, whenKnown } from '../pipeline/stage.ts'
import type { InjectionReports } from '../faults/injection-reports.ts'
import type { MinuteLimits, Occupancy, Utilization } from '../limits/occupancy.ts'
import type { RecordingLoss } from '../recordings/loss-reports.ts'
import type { SharedState } from './shared-state.ts'
import type { Clock } from '../lib/clock.ts'
import type { LoopLag } from '../lib/loop-lag.ts'
import { type Bottleneck, BottleneckWatch } from './bottleneck.ts'
import { registerConnections } from './connection-registry.ts'
import { registerInfo, type SimulatorInfo } from './info-registry.ts'
import { registerInjections } from './injection-registry.ts'
import { type MetricsJson, metricsJson } from './merge-metrics.ts'
import { registerPacing } from './pacing-registry.ts'
import { processRegistry } from './process-registry.ts'
import { registerRecordings } from './recording-registry.ts'
import { createRequestRegistry } from './request-registry.ts'
import { Pacing, SeriesTable } from './series-table.ts'
import { registerSharedState } from './shared-state-registry.ts'

/** The metrics of one simulator. */
export interface Metrics {
  /** The outermost stage: counts every request when its answer has ended. */
  readonly observe: Stage
  /** Counts a connection that a limit of the listener ended: whoever listens for this simulator calls it. */
  readonly connectionEnded: (end: ConnectionEnd) => void
  /** Counts an answer that could not be recorded. */
  readonly recordingLost: (loss: RecordingLoss) => void
  /** How many requests have an answer that has not ended. */
  readonly running: () => number
  /** All metrics in the text format of Prometheus, those of the process included. */
  render(): Promise<string>
  /** The same for another process, which merges them with those of others. */
  toJson(): Promise<MetricsJson>
  /** The content type of what `render` gives. */
  readonly contentType: string
}

/** What metrics are made from. */
export interface MetricsOptions {
  /** The clock that the exchanges' times are from. */
  readonly clock: Clock
  /** Absent: the event loop is not watched. */
  readonly loopLag?: LoopLag | undefined
  /** The deployments that have slots or load. */
  readonly occupancy?: () => Iterable<Occupancy>
  /** The provisioned deployments. */
  readonly utilizations?: (nowMs: number) => Iterable<Utilization>
  /** The limits of the pay-as-you-go deployments. */
  readonly limits?: () => Iterable<MinuteLimits>
  /** What the simulator is; absent where nobody asks. */
  readonly info?: () => SimulatorInfo
  /** What faults and incidents report; absent where there are none. */
  readonly injections?: InjectionReports
  /** What is shared with other processes; absent for a simulator that is a service by itself. */
  readonly sharedState?: SharedState | undefined
  /** Hears that the simulator itself was the slow part, once a minute at most. */
  readonly onBottleneck?: (found: Bottleneck) => void
}

/**
 * Makes metrics that start at nothing. Their labels are `resource` (absent for the default one), `deployment` (empty for a request without one, `other` beyond
 * the first 100 that are not configured), `operation` (`other` for an unknown path) and `status`.
 */
export function createMetrics(options: MetricsOptions): Metrics {
  const { clock, loopLag, occupancy = () => [], onBottleneck = () => {} } = options
  const table = new SeriesTable()
  let inFlight = 0
  const watch = new BottleneckWatch({ startMs: clock.nowMs(), loopLag, onBottleneck })
  const pacing = new Pacing((lateMs, nowMs) => watch.sent(lateMs, nowMs))
  const requests = createRequestRegistry({ series: () => table, inFlight: () => inFlight })
  registerPacing({
    registry: requests,
    pacing,
    isSlow: () => watch.isSlow(clock.nowMs()),
    loopLag: () => watch.loopLag,
    occupancy,
    utilizations: () => options.utilizations?.(clock.nowMs()) ?? [],
    limits: () => options.limits?.() ?? [],
  })
  const connectionEnded = registerConnections(requests)
  if (options.info) registerInfo(requests, options.info)
  const recordingLost = registerRecordings(requests)
  if (options.injections) registerInjections(requests, options.injections)
  if (options.sharedState) registerSharedState(requests, options.sharedState)
  const process = processRegistry()

  return {
    observe(exchange, next) {
      inFlight++
      exchange.pacingWatch = pacing
      exchange.onEnd(() => inFlight--)
      return whenKnown(next(), (reply) => {
        const nowMs = clock.nowMs()
        // A simulator that delays nothing has nothing to be late with; its loop is watched all the same.
        watch.advance(nowMs)
        const { queuedMs } = exchange
        const baseMs = nowMs - exchange.startedMs - queuedMs
        exchange.onEnd((outcome) => table.seriesOf(exchange).count(reply, { baseMs, queuedMs }, outcome))
        return reply
      })
    },
    connectionEnded,
    recordingLost,
    running: () => inFlight,
    async render() {
      return `${await requests.metrics()}\n${await process.metrics()}`
    },
    toJson: () => metricsJson(requests, process),
    contentType: requests.contentType,
  }
}
