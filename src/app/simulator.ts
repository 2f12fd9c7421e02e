import { randomUUID } from 'node:crypto'
import type { Config } from '../config/config.ts'
import type { IncidentPhase } from '../config/incident-timetable.ts'
import { createFaults } from '../faults/faults.ts'
import { Incidents } from '../faults/incidents.ts'
import { createGenerateMode } from '../generate/generate-mode.ts'
import { createLatency } from '../latency/add-latency.ts'
import { createAdmission } from '../limits/admit.ts'
import { describeBottleneck } from '../metrics/bottleneck.ts'
import { createMetrics, type Metrics } from '../metrics/metrics.ts'
import type { Run } from '../pipeline/chain.ts'
import type { ModeHandler } from '../pipeline/hook.ts'
import { createPipeline } from '../pipeline/pipeline.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import type { LoopLag } from '../platform/loop-lag.ts'
import { createRandom, type Random } from '../platform/random.ts'
import type { Interaction } from '../recording/interaction.ts'
import { createRecorder, type Recorder } from '../recording/record-mode.ts'
import { createReplay, type Replay } from '../recording/replay-mode.ts'

/** A simulator's parts, put together but not listening. */
export interface Simulator {
  readonly config: Config
  readonly clock: Clock
  readonly random: Random
  readonly metrics: Metrics
  /** Runs from the start where the configuration has a timetable. Its timer keeps a process alive until it is stopped. */
  readonly incidents: Incidents
  /** Forwards and records; undefined where the mode never does. */
  readonly recorder: Recorder | undefined
  /** Answers from recordings; undefined in other modes. */
  readonly replay: Replay | undefined
  /** The way of a request through all stages. */
  readonly run: Run
  /** Hears of an answer that broke while it was sent. */
  readonly onSendFailure: (error: unknown) => void
  /** Hears of a failure outside the pipeline: in a page of the simulator's own. */
  readonly onPageFailure: (error: unknown) => void
}

/** What a simulator takes from outside. */
export interface SimulatorParts {
  readonly clock: Clock
  readonly logger: Logger
  /** Measures the event loop that serves this simulator; absent for one that nobody times. */
  readonly loopLag?: LoopLag
}

/**
 * Builds a simulator from its configuration: the one place where the stages meet.
 *
 * @throws {OperatorError} for recordings that are to be replayed and cannot be read
 */
export function createSimulator(config: Config, { clock, logger, loopLag }: SimulatorParts): Simulator {
  const { addLatency, occupancy } = createLatency()
  const { admit, limiters } = createAdmission()
  const incidents = new Incidents(clock, (phase, round) => logPhase(logger, phase, round))
  const faults = createFaults(incidents)
  const metrics = createMetrics({
    clock,
    loopLag,
    occupancy,
    utilizations: (nowMs) => limiters.utilizations(nowMs),
    injections: faults.reports,
    onBottleneck: (found) => logger.warn(found, describeBottleneck(found)),
  })
  const recorder = recorderOf(config, clock, logger, (interaction) => replay?.add(interaction))
  const generate = createGenerateMode()
  const record: ModeHandler = async (exchange) => recorder?.forward(exchange)
  const replay =
    config.mode.kind === 'replay'
      ? createReplay({ recordings: config.mode.recordings, logger, generate, record })
      : undefined
  const logFailure = (error: unknown, fields: object, message: string): void => {
    logger.error({ ...fields, err: error instanceof Error ? error.stack : String(error) }, message)
  }
  const run = createPipeline(
    {
      observe: metrics.observe,
      extensionHooks: [],
      prepareFaults: faults.prepare,
      admit,
      injectFaults: faults.inject,
      addLatency,
      modes: {
        generate,
        record,
        replay: async (exchange) => replay?.answer(exchange),
      },
    },
    {
      onFailure: (error, { method, path }) =>
        logFailure(error, { method, path }, 'A request failed inside the simulator.'),
      onUnknownPath: ({ method, path }) =>
        logger.info(
          { method, path },
          'No operation has this method and path; the caller got the 404 of the service.',
        ),
    },
  )
  if (config.incidents) incidents.start(config.incidents)
  return {
    config,
    clock,
    random: createRandom(config.seed ?? randomUUID()),
    metrics,
    incidents,
    recorder,
    replay,
    run,
    onPageFailure: (error) => logFailure(error, {}, "One of the simulator's own pages failed."),
    onSendFailure: (error) =>
      logFailure(error, {}, 'An answer broke while it was sent; its connection was cut.'),
  }
}

function recorderOf(
  { mode, apiKey }: Config,
  clock: Clock,
  logger: Logger,
  onStored: (interaction: Interaction) => void,
): Recorder | undefined {
  if (mode.kind === 'generate' || !mode.upstream) return undefined
  const { upstream, recordings } = mode
  return createRecorder({ upstream, recordings, apiKey, clock, logger, onStored })
}

function logPhase(logger: Logger, phase: IncidentPhase | undefined, round: number): void {
  if (!phase) {
    logger.info({ rounds: round }, 'The timetable of incidents is over.')
    return
  }
  const { name, deployment, startMs, endMs } = phase
  const seconds = endMs === Infinity ? undefined : (endMs - startMs) / 1_000
  logger.info({ phase: name, round, deployment, seconds }, 'A phase of the timetable of incidents has begun.')
}
