import { type ConnectionEnd, connectionEnds } from './connection-end.ts'
import { type Stage, mapMaybe } from '../pipeline/stage.ts'
import { isStream } from '../pipeline/stream-events.ts'
import type { InjectionReports } from '../faults/faults.ts'
import type { LimitReading } from '../limits/limit-readings.ts'
import type { Occupancy } from '../limits/occupancy.ts'
import { type RecordingLoss, recordingLosses } from '../recordings/loss-reports.ts'
import { type Config, defaultResourceName } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { LoopLag } from '../lib/loop-lag.ts'
import { monotonicMs } from '../lib/real-timers.ts'
import { type Bottleneck, BottleneckWatch } from './bottleneck.ts'
import { registerDeployments, RowGauge } from './deployment-gauges.ts'
import { type MetricsJson, registryJson, sumOfTimes } from './merge-metrics.ts'
import { registerPacing, createRequestRegistry } from './request-registry.ts'
import { Pacing, type RequestSeries, SeriesTable, deploymentLabels, resourceLabels } from './series-table.ts'
import { registerUpstreams } from './upstream-registry.ts'
import type { UpstreamAttempt } from '../upstream/upstream-observer.ts'
import { Counter, Registry, Gauge, collectDefaultMetrics } from 'prom-client'

/** The metrics of one simulator. */
export interface Metrics {
  /** The outermost stage: counts every request when its answer has ended. */
  readonly observe: Stage
  /** Counts a connection that a limit of the listener ended. Called by the listener. */
  readonly connectionEnded: (end: ConnectionEnd) => void
  /** Counts an answer that could not be recorded. */
  readonly recordingLost: (loss: RecordingLoss) => void
  /** Counts an attempt to send a request to an upstream. */
  readonly upstreamAttempt: (attempt: UpstreamAttempt) => void
  /** Number of requests in flight. */
  readonly running: () => number
  /** Removes the series of other resources than these identities. */
  readonly retainResources: (ids: ReadonlySet<string>) => void
  /** All metrics in the text format of Prometheus, including those of the process. */
  render(): Promise<string>
  /**
   * All metrics as JSON, for another process that merges them.
   *
   * @param names only these metrics of the simulator, and none of the process; default: all
   */
  toJson(names?: ReadonlySet<string>): Promise<MetricsJson>
  /** Content type of the result of `render`. */
  readonly contentType: string
}

/** Options of `createMetrics`. */
export interface MetricsOptions {
  /** The clock of the exchanges. */
  readonly clock: Clock
  /** Absent: event-loop lag is not measured. */
  readonly loopLag?: LoopLag | undefined
  /** The deployments with slots or load. */
  readonly occupancy?: () => Iterable<Occupancy>
  /** Reads the limits of all deployments. Absent in a worker, since the primary has the state. */
  readonly limits?: (() => Promise<readonly LimitReading[]>) | undefined
  /** All resources by name. Absent: removed deployments keep their series. */
  readonly resources?: () => Config['resources']
  /** Whether a text of a client contains a known key, which no label may have. */
  readonly isSecret?: ((text: string) => boolean) | undefined
  /** Labels of `aoai_simulator_info`; absent: the metric is omitted. */
  readonly info?: () => SimulatorInfo
  /** Values of faults and incidents. */
  readonly injections?: InjectionReports
  /** State shared with other processes; absent without Redis. */
  readonly sharedState?: SharedState | undefined
  /** Number of changes of the configuration that the store lacks; absent without a store. */
  readonly pendingChanges?: () => number
  /** Called when the simulator was the bottleneck, at most once per minute. */
  readonly onBottleneck?: (found: Bottleneck) => void
}

/**
 * Creates metrics that start at 0. Labels: `resource` (absent for the default resource), `deployment` (empty without a deployment;
 * `other` after the first 100 that are not configured, and above the limits of the table), `operation` (`other` for an unknown path) and `status`.
 */
export function createMetrics(options: MetricsOptions): Metrics {
  const { clock, loopLag, occupancy = () => [], onBottleneck = () => {} } = options
  const table = new SeriesTable(undefined, options.isSecret)
  let inFlight = 0
  const watch = new BottleneckWatch({ loopLag, onBottleneck })
  const pacing = new Pacing(table, (lateMs, nowMs) => watch.sent(lateMs, nowMs))
  const requests = createRequestRegistry({ series: () => table, inFlight: () => inFlight })
  registerPacing({
    registry: requests,
    pacing,
    isSlow: () => watch.isSlow(clock.nowMs()),
    loopLag: () => watch.loopLag,
  })
  registerDeployments(requests, { occupancy, limits: options.limits, resources: options.resources })
  const connectionEnded = registerConnections(requests)
  registerRefusals(requests, table)
  if (options.info) registerInfo(requests, options.info)
  const recordingLost = registerRecordings(requests)
  const upstreamAttempt = registerUpstreams(requests)
  if (options.injections) registerInjections(requests, options.injections)
  if (options.sharedState) registerSharedState(requests, options.sharedState)
  if (options.pendingChanges) registerConfigStore(requests, options.pendingChanges)
  const process = processRegistry()
  const dropRemovedDeployments = (): void => {
    if (!options.resources) return
    const resources = options.resources()
    table.retainDeployments(resources)
    options.injections?.retainDeployments(resources)
  }

  return {
    observe(exchange, next) {
      inFlight++
      exchange.pacingWatch = pacing
      let active: RequestSeries | undefined
      exchange.onEnd(() => {
        inFlight--
        if (active) active.active--
      })
      const replied = next()
      // The first stages have found the deployment, unless the key needed a promise.
      if (!exchange.ended) {
        active = table.seriesOf(exchange)
        active.active++
      }
      return mapMaybe(replied, (reply) => {
        const nowMs = clock.nowMs()
        // Without latency no part has a planned time, but event-loop lag is still measured.
        watch.advance(nowMs)
        const { queuedMs, refusal } = exchange
        if (refusal !== undefined) table.countRefusal(exchange, refusal)
        const baseMs = nowMs - exchange.startedMs - queuedMs
        const stream = reply.body.kind !== 'whole' && isStream(reply) ? table.seriesOf(exchange) : undefined
        if (stream) stream.streams++
        exchange.onEnd((outcome) => {
          if (stream) stream.streams--
          table.seriesOf(exchange).count(exchange, reply, { baseMs, queuedMs }, outcome)
        })
        return reply
      })
    },
    connectionEnded,
    recordingLost,
    upstreamAttempt,
    running: () => inFlight,
    retainResources: (ids) => table.retainResources(ids),
    async render() {
      dropRemovedDeployments()
      return `${await requests.metrics()}\n${await process.metrics()}`
    },
    async toJson(names) {
      const startMs = monotonicMs()
      dropRemovedDeployments()
      const simulator = await registryJson(requests, names)
      const bottleneck = watch.lastSlow(clock.nowMs())
      return {
        simulator,
        process: names ? [] : await registryJson(process),
        times: sumOfTimes(
          Array.from(table, ({ labels: { resource = defaultResourceName, deployment }, times }) => ({
            resource,
            deployment,
            times,
          })),
        ),
        ...(bottleneck && { bottleneck }),
        tookMs: monotonicMs() - startMs,
        workers: 1,
      }
    },
    contentType: requests.contentType,
  }
}

/** Registers the counter of ended connections, and returns the function that increments it. */
function registerConnections(registry: Registry): (end: ConnectionEnd) => void {
  const ended = new Counter({
    name: 'aoai_connections_ended_total',
    help: 'Connections ended by a limit of the listener, by reason (as in the log).',
    labelNames: ['reason'],
    registers: [],
  })
  // Starts at 0, because Prometheus detects an increase only from a known value.
  for (const reason of connectionEnds) ended.labels(reason).inc(0)
  registry.registerMetric(ended)
  return (reason) => ended.labels(reason).inc()
}

/** Labels of `aoai_simulator_info`. */
export interface SimulatorInfo {
  readonly version: string
  /** `generate`, `record` or `replay`. */
  readonly mode: string
  readonly region: string
}

/** Registers `aoai_simulator_info`. Its labels are read when it is rendered, since a patch can change mode and region. */
function registerInfo(registry: Registry, info: () => SimulatorInfo): void {
  const gauge = new RowGauge({
    name: 'aoai_simulator_info',
    help: 'Always 1. The labels are the version, and mode and region of the default resource.',
    aggregator: 'max',
    rows: async () => [{ value: 1, labels: { ...info() } }],
  })
  registry.registerMetric(gauge)
}

/** Registers the metrics of faults and incidents. They are read when the registry is rendered. */
function registerInjections(registry: Registry, reports: InjectionReports): void {
  const faults = new Counter({
    name: 'aoai_faults_total',
    help: 'Injected faults, by name or kind.',
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
    help: 'Phases of the incident timetable: 1 for the current phase, 0 for others.',
    labelNames: ['resource', 'phase'],
    // All processes run the same timetable.
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

/** Gauges with the name of a counter. They are sums of other gauges, such as `nodejs_active_handles`. */
const misnamed = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
]

/**
 * The process metrics of prom-client: CPU, memory, event loop, garbage collection. All simulators of a process share one registry,
 * because its observers cannot be removed.
 */
function processRegistry(): Registry {
  if (!registry) {
    registry = new Registry()
    collectDefaultMetrics({ register: registry })
    for (const name of misnamed) registry.removeSingleMetric(name)
  }
  return registry
}

/** Registers the counter of answers that could not be recorded, and returns the function that increments it. */
function registerRecordings(registry: Registry): (loss: RecordingLoss) => void {
  const lost = new Counter({
    name: 'aoai_recordings_lost_total',
    help: 'Answers that were forwarded but not recorded, by reason (as in the log).',
    labelNames: ['reason'],
    registers: [],
  })
  // Starts at 0, because Prometheus detects an increase only from a known value.
  for (const reason of recordingLosses) lost.labels(reason).inc(0)
  registry.registerMetric(lost)
  return (reason) => lost.labels(reason).inc()
}

/** Registers the counter of refused keys and tokens. It is read when the registry is rendered. */
function registerRefusals(registry: Registry, table: SeriesTable): void {
  const refused = new Counter({
    name: 'aoai_access_refused_total',
    help: 'Requests refused because of their key or token, by reason (docs/access.md).',
    labelNames: ['resource', 'reason'],
    registers: [],
    collect() {
      this.reset()
      for (const { resource, reason, count } of table.refusals()) {
        this.labels({ ...resourceLabels(resource), reason }).inc(count)
      }
    },
  })
  registry.registerMetric(refused)
}

/** Registers the metrics of shared state. They are read when the registry is rendered. */
function registerSharedState(registry: Registry, state: SharedState): void {
  const up = new Gauge({
    name: 'aoai_shared_state_up',
    help: '1 while Redis answers, 0 while this process uses local limits.',
    registers: [],
    collect() {
      this.set(state.up ? 1 : 0)
    },
  })
  const fallbacks = new Counter({
    name: 'aoai_shared_state_fallbacks_total',
    help: 'Decisions on limits and slots made locally because Redis was slow or unavailable.',
    registers: [],
    collect() {
      this.reset()
      this.inc(state.fallbacks)
    },
  })
  const roundTrip = new Gauge({
    name: 'aoai_shared_state_round_trip_seconds',
    help: 'Moving average of the response time of Redis.',
    registers: [],
    collect() {
      this.set(state.roundTripMs / 1_000)
    },
  })
  registry.registerMetric(up)
  registry.registerMetric(fallbacks)
  registry.registerMetric(roundTrip)
}

/** Registers the metric of CONFIG_STORE. */
function registerConfigStore(registry: Registry, pendingChanges: () => number): void {
  const pending = new Gauge({
    name: 'aoai_config_store_pending',
    help: 'Changes of the configuration that are in force, but not in CONFIG_STORE yet.',
    registers: [],
    collect() {
      this.set(pendingChanges())
    },
  })
  registry.registerMetric(pending)
}

/** Status of the state that several processes share in Redis. */
export interface SharedState {
  /** Whether Redis answers. If not, each process uses local limits. */
  readonly up: boolean
  /** Number of decisions on limits and slots that this process has made locally. */
  readonly fallbacks: number
  /** Moving average of the response time in milliseconds; 0 before the first answer. */
  readonly roundTripMs: number
}
