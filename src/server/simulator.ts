import { randomUUID } from 'node:crypto'
import { type Config, defaultResourceName } from '../config/config.ts'
import type { IncidentPhase } from '../config/incident-file.ts'
import type { Change, LiveConfig } from '../config/live-config.ts'
import { configSecrets } from '../config/redact-config.ts'
import { composeExtensions, type Extensions } from '../extensions/compose-extensions.ts'
import { createAccess } from '../access/access.ts'
import { createFaults } from '../faults/faults.ts'
import { IncidentTimetables, type Timetables } from '../faults/incidents.ts'
import { createGenerateMode } from '../generate/generate-mode.ts'
import { ResponseStore } from '../generate/responses/response-store.ts'
import { createJournal, type Journal } from '../journal/journal.ts'
import type { JournalReader, JournalSink } from '../journal/journal-sink.ts'
import { observeCalls } from '../journal/observe-calls.ts'
import { createRequestLog, createTraceLog, type RequestLogOptions } from '../journal/request-log.ts'
import { LocalCursors } from '../recordings/replay-cursors.ts'
import { createLatency } from '../latency/add-latency.ts'
import { SlotTable } from '../latency/deployment-slots.ts'
import { createAdmission } from '../limits/admit.ts'
import { LimiterTable } from '../limits/limiter-table.ts'
import { minuteLimitsOf } from '../limits/limit-plan.ts'
import { describeBottleneck } from '../metrics/bottleneck.ts'
import { createMetrics, type Metrics } from '../metrics/metrics.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { type OnInvalidHead, createHeadReports } from './carriers/sanitize-head.ts'
import { type Run, type Source, mapMaybe } from '../pipeline/stage.ts'
import type { Occupancy } from '../limits/occupancy.ts'
import { createPipeline } from '../pipeline/pipeline.ts'
import { isLimited } from '../pipeline/source-rules.ts'
import type { Clock } from '../lib/clock.ts'
import { stackOf } from '../lib/error-text.ts'
import type { Logger } from '../lib/logger.ts'
import type { LoopLag } from '../lib/loop-lag.ts'
import { version } from '../lib/version.ts'
import { createRandom, type Random } from '../lib/random.ts'
import { createTelemetry } from '../telemetry/telemetry.ts'
import type { RedisSharedState } from './redis-shared-state.ts'
import { createUndefinedReport, logWarnings } from './log-warnings.ts'
import type { PoolState, SharedDeps } from './pool-state.ts'
import { SourceTable, type RecordingsInUse } from './source-table.ts'

/** A simulator's parts, put together but not listening. */
export interface Simulator {
  /** The configuration over time; `config` is that of the moment. */
  readonly live: LiveConfig
  readonly config: Config
  readonly clock: Clock
  readonly logger: Logger
  readonly random: Random
  readonly metrics: Metrics
  /** Runs from the start where the configuration has a timetable. Its timer keeps a process alive until it is stopped. */
  readonly incidents: IncidentTimetables
  /** What has been noted, by all simulators of a service; undefined where the configuration asks for none. */
  readonly journal: JournalReader | undefined
  /** The same where it is that of this process alone. */
  readonly ownJournal: Journal | undefined
  /** What the processes of a pool have together. */
  readonly state: PoolState
  /** The deployments that have slots or slow down under load, once they had a request. */
  readonly occupancy: () => Iterable<Occupancy>
  readonly extensions: Extensions
  /** What the configuration of the moment uses its recordings for, by folder. */
  readonly recordings: readonly RecordingsInUse[]
  /** The way of a request through all stages. */
  readonly run: Run
  /** Hears of an answer that broke while it was sent. */
  readonly onSendFailure: (error: unknown) => void
  /** Hears of an answer whose head could not be sent as it was. */
  readonly onInvalidHead: OnInvalidHead
  /** Hears of a failure outside the pipeline: in a page of the simulator's own. */
  readonly onPageFailure: (error: unknown) => void
  /** Hears of a listener to the end of an exchange that threw. */
  readonly onListenerFailure: (error: unknown, exchange: Exchange) => void
  /**
   * Makes everything ready for the first request.
   *
   * @throws {OperatorError} for recordings that cannot be written, an extension that cannot start, or missing packages of
   * OpenTelemetry
   */
  start(): Promise<void>
  /** Forgets everything since the start: patches, used limits, the journal, stored responses, turns of recordings. */
  reset(): Promise<Change>
  /**
   * Stops timers, writes recordings, and closes extensions.
   *
   * @throws {OperatorError} RECORDINGS_UNWRITABLE when something is lost by that
   */
  close(): Promise<void>
}

/** What a simulator takes from outside. */
export interface SimulatorDeps extends SharedDeps {
  readonly clock: Clock
  readonly logger: Logger
  /** Measures the event loop that serves this simulator; absent for one that nobody times. */
  readonly loopLag?: LoopLag
  /** Where a line for each request goes; absent: nowhere. */
  readonly requestLog?: RequestLogOptions | undefined
  /** Absent: none. */
  readonly extensions?: Extensions
  /** What it has together with simulators on other machines; closed with the simulator. Absent: nothing. */
  readonly sharedState?: RedisSharedState | undefined
}

/**
 * Builds a simulator from its configuration: the one place where the stages meet.
 *
 * @throws {OperatorError} for recordings that are to be replayed and cannot be read
 */
export function assembleSimulator(
  live: LiveConfig,
  {
    clock,
    logger,
    loopLag,
    requestLog,
    extensions = composeExtensions([]),
    sharedState: service,
    ...alone
  }: SimulatorDeps,
): Simulator {
  const shared: SharedDeps = { ...alone, ...service?.deps }
  const {
    limits = new LimiterTable(clock),
    slots = new SlotTable(clock),
    responses = new ResponseStore(),
    cursors = new LocalCursors(),
  } = shared
  const occupancy = (): Iterable<Occupancy> => slots.occupancy?.() ?? []
  const incidents = new IncidentTimetables(clock, (resource, phase, round) => {
    // Several processes go through one timetable, and one of them tells.
    if (shared.processNumber === undefined) logPhase(logger, resource, phase, round)
  })
  const faults = createFaults(incidents)
  const metrics = createMetrics({
    clock,
    loopLag,
    occupancy,
    utilizations: () => limits.utilizations?.() ?? [],
    limits: () =>
      Array.from(live.current.resources).flatMap(([resource, view]) =>
        minuteLimitsOf(
          resource,
          [...view.deployments.values()].filter((deployment) => isLimited(deployment, view)),
        ),
      ),
    injections: faults.reports,
    sharedState: service?.connectionState,
    info: () => {
      const { mode, region } = live.current.defaultResource
      return { version, mode, region }
    },
    onBottleneck: (found) => logger.warn(found, describeBottleneck(found)),
  })
  const secrets = (): readonly string[] => configSecrets(live.current)
  const ownJournal = shared.journal ? undefined : journalOf(live.current, clock, secrets)
  const telemetry = createTelemetry({ ...shared, config: live.current, logger })
  const builtIn = createGenerateMode({ responses })
  const generate = firstOf(extensions.generate, builtIn.answer)
  const sources = new SourceTable({
    clock,
    logger,
    config: () => live.current,
    generate,
    forwarder: extensions.forward,
    cursors,
    onRecordingLost: metrics.recordingLost,
  })
  const prepareSources = async (config: Config): Promise<void> => {
    for (const view of config.resources.values()) await sources.open(view)
  }
  for (const view of live.current.resources.values()) sources.of(view)
  live.prepare = prepareSources
  // The primary of several processes tells for all.
  if (shared.processNumber === undefined) logWarnings(live, logger)

  const run = createPipeline(
    {
      observe: metrics.observe,
      ...(ownJournal && { journal: ownJournal.observe }),
      ...(shared.journal && { journal: observeCalls(shared.journal, live.current.testHeader) }),
      ...(telemetry && { telemetry: telemetry.observe }),
      ...(requestLog && { requestLog: createRequestLog(requestLog, secrets) }),
      extensionHooks: extensions.hooks,
      access: createAccess({
        answersAnyPath: extensions.generate !== undefined,
        onUndefinedDeployment: createUndefinedReport(logger),
      }),
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
        logger.info(
          logFields,
          'No operation has this method and path; the caller got the 404 of the service.',
        ),
      ...(live.current.logLevel === 'debug' && { onTrace: createTraceLog(logger) }),
    },
  )
  const restartIncidents = (): void => incidents.begin(timetablesOf(live.current))
  restartIncidents()
  let { resources } = live.current
  live.onChange((next) => {
    incidents.follow(timetablesOf(next), (name) => resources.has(name))
    resources = next.resources
  })
  /** What no other simulator has. */
  const forget = (): void => {
    ownJournal?.clear()
    builtIn.reset()
    if (!service?.deps.cursors) void cursors.clear?.()
    restartIncidents()
    shared.onReset?.()
  }
  service?.onReset(forget)

  return {
    live,
    get config() {
      return live.current
    },
    clock,
    logger,
    random: randomOf(live.current, shared.processNumber),
    metrics,
    incidents,
    journal: service?.journal ?? ownJournal,
    ownJournal,
    state: { limits, slots, responses, cursors, journal: shared.journal ?? ownJournal ?? noJournal },
    occupancy,
    extensions,
    get recordings() {
      return sources.inUse(live.current)
    },
    run,
    onPageFailure: (error) => logFailure(logger, error, {}, "One of the simulator's own pages failed."),
    onSendFailure: (error) =>
      logFailure(
        logger,
        error,
        {},
        'An answer broke while it was sent: its client got a 500, or a cut stream.',
      ),
    onInvalidHead: createHeadReports(clock, logger),
    onListenerFailure: (error, { logFields }) =>
      logFailure(logger, error, logFields, 'What listens to the end of a request failed.'),
    async start() {
      await telemetry?.start()
      await prepareSources(live.current)
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
      forget()
      await service?.notifyReset()
      return change
    },
    async close() {
      incidents.close()
      try {
        await extensions.close()
        await sources.close()
      } finally {
        service?.close()
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

/** Takes what workers tell of their requests where no journal is kept. */
const noJournal: JournalSink = { started: () => undefined, ended() {} }

function journalOf(
  { journalSize, testHeader }: Config,
  clock: Clock,
  secrets: () => readonly string[],
): Journal | undefined {
  return journalSize === 0 ? undefined : createJournal({ size: journalSize, clock, testHeader, secrets })
}

function logFailure(logger: Logger, error: unknown, fields: object, message: string): void {
  logger.error({ ...fields, err: stackOf(error) }, message)
}

function timetablesOf({ resources }: Config): Timetables {
  return Array.from(resources, ([name, { incidents }]) => [name, incidents] as const)
}

function logPhase(logger: Logger, of: string, phase: IncidentPhase | undefined, round: number): void {
  const resource = of === defaultResourceName ? undefined : of
  if (!phase) {
    logger.info({ resource, rounds: round }, 'The timetable of incidents is over.')
    return
  }
  const { name, deployment, startMs, endMs } = phase
  const seconds = endMs === Infinity ? undefined : (endMs - startMs) / 1_000
  logger.info(
    { resource, phase: name, round, deployment, seconds },
    'A phase of the timetable of incidents has begun.',
  )
}
