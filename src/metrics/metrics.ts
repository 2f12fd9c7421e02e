import { type ConnectionEnd, connectionEnds } from './connection-end.ts'
import { type Stage, mapMaybe } from '../pipeline/stage.ts'
import type { InjectionReports } from '../faults/faults.ts'
import type { MinuteLimits, Occupancy, Utilization } from '../limits/occupancy.ts'
import { type RecordingLoss, recordingLosses } from '../recordings/loss-reports.ts'
import type { Clock } from '../lib/clock.ts'
import type { LoopLag } from '../lib/loop-lag.ts'
import { type Bottleneck, BottleneckWatch } from './bottleneck.ts'
import { type MetricsJson, metricsJson } from './merge-metrics.ts'
import { registerPacing, createRequestRegistry } from './request-registry.ts'
import { Pacing, SeriesTable, deploymentLabels, resourceLabels } from './series-table.ts'
import { Counter, Registry, Gauge, collectDefaultMetrics } from 'prom-client'

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
  const watch = new BottleneckWatch({ loopLag, onBottleneck })
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
      return mapMaybe(next(), (reply) => {
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

/** Adds the counter of connections that a limit ended to a registry, and gives what counts them. */
function registerConnections(registry: Registry): (end: ConnectionEnd) => void {
  const ended = new Counter({
    name: 'aoai_connections_ended_total',
    help: 'Connections that a limit of the listener ended, by the reason that the log has.',
    labelNames: ['reason'],
    registers: [],
  })
  // Prometheus sees a counter grow only from a value that it has seen before.
  for (const reason of connectionEnds) ended.labels(reason).inc(0)
  registry.registerMetric(ended)
  return (reason) => ended.labels(reason).inc()
}

/** What a simulator is, as the labels of one line. */
export interface SimulatorInfo {
  readonly version: string
  /** `generate`, `record` or `replay`. */
  readonly mode: string
  readonly region: string
}

/** Adds the line to a registry. Mode and region are read when the registry is rendered, since a patch may change them. */
function registerInfo(registry: Registry, info: () => SimulatorInfo): void {
  const gauge = new Gauge({
    name: 'aoai_simulator_info',
    help: '1, with the version, the mode and the region of the simulator as labels.',
    labelNames: ['version', 'mode', 'region'],
    aggregator: 'max',
    registers: [],
    collect() {
      this.reset()
      this.labels({ ...info() }).set(1)
    },
  })
  registry.registerMetric(gauge)
}

/** Adds the metrics of faults and incidents to a registry. They are read when the registry is rendered. */
function registerInjections(registry: Registry, reports: InjectionReports): void {
  const faults = new Counter({
    name: 'aoai_faults_total',
    help: 'Answers that a configured or forced fault struck, by its name or kind.',
    labelNames: ['resource', 'deployment', 'fault'],
    registers: [],
    collect() {
      this.reset()
      for (const { resource, deployment, fault, count } of reports.faults()) {
        this.labels({ ...deploymentLabels(resource, deployment), fault }).inc(count)
      }
    },
  })
  const phases = new Gauge({
    name: 'aoai_incident_phase',
    help: 'Phases of the timetable of incidents: 1 for the present one, 0 for the others.',
    labelNames: ['resource', 'phase'],
    // All processes of one service go through the same timetable.
    aggregator: 'max',
    registers: [],
    collect() {
      this.reset()
      for (const { resource, phase, active } of reports.phases()) {
        this.labels({ ...resourceLabels(resource), phase }).set(active ? 1 : 0)
      }
    },
  })
  registry.registerMetric(faults)
  registry.registerMetric(phases)
}

let registry: Registry | undefined

/** Gauges that prom-client names like counters; the sums over the types of `nodejs_active_handles` and its like. */
const misnamed = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
]

/**
 * prom-client's metrics of the process: CPU, memory, event loop, garbage collection. There is one such registry a
 * process, whatever the number of simulators in it, because its observers can never be taken off again.
 */
function processRegistry(): Registry {
  if (!registry) {
    registry = new Registry()
    collectDefaultMetrics({ register: registry })
    for (const name of misnamed) registry.removeSingleMetric(name)
  }
  return registry
}

/** Adds the counter of answers that could not be recorded to a registry, and gives what counts them. */
function registerRecordings(registry: Registry): (loss: RecordingLoss) => void {
  const lost = new Counter({
    name: 'aoai_recordings_lost_total',
    help: 'Answers that were passed on but could not be recorded, by the reason that the log has.',
    labelNames: ['reason'],
    registers: [],
  })
  // Prometheus sees a counter grow only from a value that it has seen before.
  for (const reason of recordingLosses) lost.labels(reason).inc(0)
  registry.registerMetric(lost)
  return (reason) => lost.labels(reason).inc()
}

/** Adds the metrics of what this process shares with others to a registry. They are read when the registry is rendered. */
function registerSharedState(registry: Registry, state: SharedState): void {
  const up = new Gauge({
    name: 'aoai_shared_state_up',
    help: '1 while Redis answers, 0 while this process goes by limits of its own.',
    registers: [],
    collect() {
      this.set(state.up ? 1 : 0)
    },
  })
  const fallbacks = new Counter({
    name: 'aoai_shared_state_fallbacks_total',
    help: 'Decisions on limits and slots that this process made alone, since Redis was slow or away.',
    registers: [],
    collect() {
      this.reset()
      this.inc(state.fallbacks)
    },
  })
  const roundTrip = new Gauge({
    name: 'aoai_shared_state_round_trip_seconds',
    help: 'Running mean of how long Redis takes to answer.',
    registers: [],
    collect() {
      this.set(state.roundTripMs / 1_000)
    },
  })
  registry.registerMetric(up)
  registry.registerMetric(fallbacks)
  registry.registerMetric(roundTrip)
}

/** How the place stands in which several processes keep their limits and changes together. */
export interface SharedState {
  /** Whether it answers; while it does not, each process goes by limits of its own. */
  readonly up: boolean
  /** How many decisions on limits and slots this process has made alone, since the start. */
  readonly fallbacks: number
  /** A running mean of how long it takes to answer, in milliseconds; 0 before the first answer. */
  readonly roundTripMs: number
}
