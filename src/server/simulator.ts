import { randomUUID } from 'node:crypto'
import type { Config } from '../config/config.ts'
import type { Change, LiveConfig } from '../config/live-config.ts'
import { resourceChanges, resourceNames, withResourceNames } from '../config/resource-ids.ts'
import { composeExtensions, type Extensions } from '../extensions/compose-extensions.ts'
import { type Access, createAccess } from '../access/access.ts'
import { makeSigningKey } from '../access/signing-key.ts'
import { createFaults } from '../faults/faults.ts'
import { IncidentTimetables, timetablesOf } from '../faults/incidents.ts'
import { createGenerateMode } from '../generate/generate-mode.ts'
import { ResponseStore } from '../generate/responses/response-store.ts'
import { createJournal, type Journal } from '../journal/journal.ts'
import type { JournalReader } from '../journal/journal-sink.ts'
import type { LogRing, OpenLogs } from '../journal/log-ring.ts'
import { observeCalls } from '../journal/observe-calls.ts'
import { createRequestLog, createTraceLog, type RequestLogOptions } from '../journal/request-log.ts'
import { TraceRing } from '../journal/trace-ring.ts'
import { createTraceSampler, type TraceSampler } from '../journal/trace-recorder.ts'
import { createUpstreamLog } from '../journal/upstream-log.ts'
import { LocalCursors } from '../recordings/replay-cursors.ts'
import { createLatency } from '../latency/add-latency.ts'
import { SlotTable } from '../latency/deployment-slots.ts'
import { createAdmission } from '../limits/admit.ts'
import { LimiterTable } from '../limits/limiter-table.ts'
import { readLimits } from '../limits/limit-readings.ts'
import { isReadable } from '../limits/rate-limiter.ts'
import { describeBottleneck } from '../metrics/bottleneck.ts'
import { createMetrics, type Metrics } from '../metrics/metrics.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { type OnInvalidHead, createHeadReports } from './carriers/sanitize-head.ts'
import { type Run, type Source, mapMaybe } from '../pipeline/stage.ts'
import type { Occupancy } from '../limits/occupancy.ts'
import { createPipeline } from '../pipeline/pipeline.ts'
import type { Clock } from '../lib/clock.ts'
import { createKeyRedactor } from '../lib/credential-texts.ts'
import type { Logger } from '../lib/logger.ts'
import type { LoopLag } from '../lib/loop-lag.ts'
import { version } from '../lib/version.ts'
import { createRandom, type Random } from '../lib/random.ts'
import { createTelemetry } from '../telemetry/telemetry.ts'
import type { ConfigStore } from '../shared/patch-medium.ts'
import type { RedisSharedState } from './redis-shared-state.ts'
import {
  createUndefinedReport,
  logFailure,
  logPhase,
  logRetirements,
  logWarnings,
  openSimulatorLogs,
} from './log-warnings.ts'
import {
  learningKeys,
  noopJournal,
  noopTraces,
  type PoolState,
  type SharedDeps,
  tracesLearningKeys,
} from './pool-state.ts'
import { ResourceBook } from './resource-book.ts'
import { AuditLog } from './twin/audit-log.ts'
import { auditRequests } from './twin/audit-requests.ts'
import { SourceTable, type RecordingsInUse } from './source-table.ts'

/** A simulator with all of its components. It does not listen. */
export interface Simulator {
  /** The configuration with its changes; `config` is the current one. */
  readonly live: LiveConfig
  readonly config: Config
  readonly clock: Clock
  readonly logger: Logger
  readonly random: Random
  readonly metrics: Metrics
  /** Creates, changes and deletes resources. */
  readonly resources: ResourceBook
  /** Records of /_twin, of all processes; undefined if TWIN_PLANE is off. Empty in a worker, which sends them to the primary. */
  readonly audit: AuditLog | undefined
  /** Starts with the timetables of the configuration. Its timer keeps the process alive until it is closed. */
  readonly incidents: IncidentTimetables
  /** The journal, shared with other simulators if Redis is used; undefined if it is off. */
  readonly journal: JournalReader | undefined
  /** The journal if it is local to this process; otherwise undefined. */
  readonly ownJournal: Journal | undefined
  readonly configStore: SimulatorDeps['configStore']
  /** The last log entries, of all processes; undefined if LOG_RING is 0. Empty in a worker, which sends them to the primary. */
  readonly logRing: LogRing | undefined
  /** The last sampled requests, of all processes; undefined if TRACE_RING is 0. Empty in a worker, which sends them to the primary. */
  readonly traces: TraceRing | undefined
  /** Samples requests; undefined if TRACE_RING is 0. */
  readonly traceSampler: TraceSampler | undefined
  /** State that the primary shares with its workers. */
  readonly poolState: PoolState
  /** Occupancy of deployments with slots or load-dependent latency, after their first request. */
  readonly occupancy: () => Iterable<Occupancy>
  readonly extensions: Extensions
  /** The recordings that the current configuration uses, by folder. */
  readonly recordings: readonly RecordingsInUse[]
  /** How recordings are used, and the requests that lack one. */
  readonly recordingActivity: SourceTable['activity']
  /** Sends one request that costs nothing to an upstream. Returns whether it works. */
  readonly verifyUpstream: SourceTable['verify']
  /** Runs a request through all stages. */
  readonly run: Run
  /** Judges the credentials of a request without running it. */
  readonly judge: Access['judge']
  /** Called when sending an answer fails. */
  readonly onSendFailure: (error: unknown) => void
  /** Called when a head could not be sent unchanged. */
  readonly onInvalidHead: OnInvalidHead
  /** Called for a failure outside the pipeline, such as in a page. */
  readonly onPageFailure: (error: unknown) => void
  /** Called when an `onEnd` callback of an exchange throws. */
  readonly onListenerFailure: (error: unknown, exchange: Exchange) => void
  /**
   * Prepares everything for the first request.
   *
   * @throws {OperatorError} if recordings cannot be written, an extension cannot start, or packages of OpenTelemetry are missing
   */
  start(): Promise<void>
  /** Resets to the state after start-up: patches, limit usage, journal, stored responses, positions in repeated recordings. */
  reset(): Promise<Change>
  /**
   * Stops timers, writes recordings, and closes extensions.
   *
   * @throws {OperatorError} RECORDINGS_UNWRITABLE if recordings are lost
   */
  close(): Promise<void>
}

/** Dependencies of a simulator. */
export interface SimulatorDeps extends SharedDeps {
  readonly clock: Clock
  readonly logger: Logger
  /** Measures the event loop of this process. Absent: no measurement. */
  readonly loopLag?: LoopLag
  /** The log ring with its logger, if it was opened before. Default: a new one that uses `logger`. */
  readonly openedLogs?: OpenLogs
  /** Destination of request lines. Absent: no request log. */
  readonly requestLog?: RequestLogOptions | undefined
  /** Default: none. */
  readonly extensions?: Extensions
  /** State shared with simulators on other machines; closed with the simulator. Absent: no shared state. */
  readonly sharedState?: RedisSharedState | undefined
  /** Keeps changes of the configuration for the next start; closed with the simulator. Absent: none. */
  readonly configStore?: ConfigStore | undefined
}

/**
 * Creates a simulator and connects its stages.
 *
 * @throws {OperatorError} if recordings for replay cannot be read
 */
export function assembleSimulator(
  live: LiveConfig,
  {
    clock,
    logger: ownLogger,
    openedLogs,
    loopLag,
    requestLog,
    extensions = composeExtensions([]),
    sharedState,
    configStore,
    ...local
  }: SimulatorDeps,
): Simulator {
  const shared: SharedDeps = { ...local, ...sharedState?.deps }
  const logs = openedLogs ?? openSimulatorLogs(live, { clock, logger: ownLogger, ...shared })
  const { logger } = logs
  const {
    limits = new LimiterTable(clock),
    slots = new SlotTable(clock),
    responses = new ResponseStore(),
    cursors = new LocalCursors(),
  } = shared
  const occupancy = (): Iterable<Occupancy> => slots.occupancy?.() ?? []
  const incidents = new IncidentTimetables(clock, (resource, phase, round) => {
    // All processes follow the same timetable; only the primary logs it.
    if (shared.processNumber === undefined) logPhase(logger, resource, phase, round)
  })
  const faults = createFaults(incidents)
  const withoutKeys = createKeyRedactor(live.secrets.list)
  const metrics = createMetrics({
    clock,
    loopLag,
    occupancy: () =>
      withResourceNames(occupancy(), live.current).filter(
        ({ resource, deployment, working, waiting }) =>
          working + waiting > 0 || live.current.resources.get(resource)?.deployments.has(deployment),
      ),
    resources: () => live.current.resources,
    isSecret: (text) => withoutKeys(text) !== text,
    limits: isReadable(limits)
      ? () => readLimits(live.current, { limits, phaseOf: (resource) => incidents.phaseOf(resource) })
      : undefined,
    injections: faults.reports,
    sharedState: sharedState?.connectionState,
    ...(configStore && { pendingChanges: () => configStore.pending }),
    info: () => {
      const { mode, region } = live.current.defaultResource
      return { version, mode, region }
    },
    onBottleneck: (found) => logger.warn(found, describeBottleneck(found)),
  })
  const { list: secrets } = live.secrets
  const random = randomOf(live.current, shared.processNumber)
  const ownJournal = shared.journal ? undefined : journalOf(live.current, clock, secrets)
  const ownAudit = live.current.twin.plane === 'on' ? new AuditLog() : undefined
  const audit = ownAudit && (shared.audit ?? ownAudit)
  const { traceRing, testHeader } = live.current
  const traces = traceRing === 0 ? undefined : new TraceRing(traceRing, secrets)
  const telemetry = createTelemetry({ ...shared, config: live.current, logger })
  const builtIn = createGenerateMode({ responses })
  const generate = firstOf(extensions.generate, builtIn.answer)
  const sources = new SourceTable({
    clock,
    logger,
    config: () => live.current,
    secrets,
    generate,
    forwarder: extensions.forward,
    env: process.env,
    cursors,
    onRecordingLost: metrics.recordingLost,
    upstreamLog: createUpstreamLog({ ...logs, logger: ownLogger, onAttempt: metrics.upstreamAttempt }),
    forwardLogger: ownLogger,
    random,
    recordingUse: shared.recordingUse,
  })
  sources.follow(live)
  // Only the primary logs warnings.
  if (shared.processNumber === undefined) {
    logWarnings(live, logger)
    logRetirements(live, clock, logger)
  }

  const access = createAccess({
    answersAnyPath: extensions.generate !== undefined,
    onUndefinedDeployment: createUndefinedReport(logger),
    clock,
    logger,
    config: () => live.current,
    onProvenKey: (key) => live.secrets.learn(key),
  })
  const pipeline = createPipeline(
    {
      observe: metrics.observe,
      ...(ownJournal && { journal: ownJournal.observe }),
      ...(shared.journal && { journal: observeCalls(shared.journal, live.current.testHeader) }),
      ...(telemetry && { telemetry: telemetry.observe }),
      ...(requestLog && { requestLog: createRequestLog(requestLog, secrets, logs.records) }),
      extensionHooks: extensions.hooks,
      access,
      prepareFaults: faults.prepare,
      admit: createAdmission({ limits, limiters: extensions.limiters }),
      injectFaults: faults.inject,
      addLatency: createLatency({ slots }),
      sources: sources.handlers,
    },
    {
      onFailure: (error, { logFields }) =>
        logFailure(logger, error, logFields, 'A request failed inside the simulator.'),
      onUnknownPath: ({ logFields }) =>
        logger.info(logFields, 'Unknown method and path; answered with the 404 of the service.'),
      ...(live.current.logLevel === 'debug' && { onTrace: createTraceLog(logger) }),
    },
  )
  const run = audit ? auditRequests(pipeline, { audit, config: () => live.current, secrets }) : pipeline
  const restartIncidents = (): void => incidents.begin(timetablesOf(live.current.resources))
  restartIncidents()
  /** Removes the state of removed resources from this process. */
  const removeResources = (ids: readonly string[], next: Config): void => {
    const remaining = new Set(resourceNames(next).keys())
    for (const state of [limits, slots, responses, metrics, faults]) state.retainResources?.(remaining)
    builtIn.removeResources(ids)
    cursors.removeResources?.(ids)
  }
  let previous = live.current
  live.onChange((next) => {
    const { removed, added } = resourceChanges(previous, next)
    previous = next
    incidents.follow(
      removed.map(([name]) => name),
      timetablesOf(added),
    )
    if (removed.length > 0)
      removeResources(
        removed.map(([, { id }]) => id),
        next,
      )
  })
  /** Clears state that is not shared with other simulators. */
  const clearLocalState = (): void => {
    ownJournal?.clear()
    ownAudit?.clear()
    traces?.clear()
    builtIn.reset()
    if (!sharedState?.deps.cursors) void cursors.clear?.()
    sources.activity.clear()
    restartIncidents()
    shared.onReset?.()
  }
  sharedState?.onReset(clearLocalState)

  return {
    live,
    get config() {
      return live.current
    },
    clock,
    logger,
    random,
    metrics,
    resources: new ResourceBook({ live, clock, makeSigningKey }),
    audit: ownAudit,
    incidents,
    journal: sharedState?.journal ?? ownJournal,
    ownJournal,
    configStore,
    logRing: logs.ring,
    traces,
    traceSampler:
      traces && createTraceSampler({ sink: shared.traces ?? traces, testHeader, countsEach: !shared.traces }),
    poolState: {
      limits,
      slots,
      responses,
      cursors,
      journal: learningKeys(shared.journal ?? ownJournal ?? noopJournal, live.secrets),
      audit: ownAudit ?? { add() {} },
      logs: logs.ring ?? { add() {} },
      traces: tracesLearningKeys(traces ?? noopTraces, live.secrets),
      recordingUse: sources.activity,
    },
    occupancy,
    extensions,
    get recordings() {
      return sources.inUse(live.current)
    },
    recordingActivity: sources.activity,
    verifyUpstream: (upstream) => sources.verify(upstream),
    run,
    judge: access.judge,
    onPageFailure: (error) => logFailure(logger, error, {}, 'A page of the simulator failed.'),
    onSendFailure: (error) =>
      logFailure(logger, error, {}, 'Could not send an answer. The client got a 500, or a cut connection.'),
    onInvalidHead: createHeadReports(clock, logger),
    onListenerFailure: (error, { logFields }) =>
      logFailure(logger, error, logFields, 'A callback at the end of a request failed.'),
    async start() {
      await telemetry?.start()
      await sources.openAll(live.current.resources)
      await extensions.start({
        get config() {
          return live.current.defaultResource
        },
        clock,
        logger,
      })
    },
    async reset() {
      const change = await live.reset()
      await limits.clear?.()
      await cursors.clear?.()
      clearLocalState()
      await sharedState?.notifyReset()
      return change
    },
    async close() {
      incidents.close()
      try {
        await extensions.close()
        await sources.close()
      } finally {
        sharedState?.close()
        await configStore?.close()
        await telemetry?.shutdown()
      }
    },
  }
}

function firstOf(first: Source | undefined, second: Source): Source {
  if (!first) return second
  return (exchange) => mapMaybe(first(exchange), (reply) => reply ?? second(exchange))
}

function randomOf({ seed }: Config, processNumber: number | undefined): Random {
  const random = createRandom(seed ?? randomUUID())
  return processNumber === undefined ? random : random.branch(processNumber)
}

function journalOf(
  { journalSize, testHeader }: Config,
  clock: Clock,
  secrets: () => readonly string[],
): Journal | undefined {
  return journalSize === 0 ? undefined : createJournal({ size: journalSize, clock, testHeader, secrets })
}
