import type { LiveConfig } from '../../config/live-config.ts'
import type { ConfigSources } from '../../config/sources.ts'
import type { Logger } from '../../lib/logger.ts'
import { noMetrics } from '../../metrics/merge-metrics.ts'
import { createLoopLag } from '../../lib/loop-lag.ts'
import { createSystemClock } from '../../lib/system-clock.ts'
import type { Replay } from '../../recordings/replay-mode.ts'
import type { Simulator } from '../simulator.ts'
import { listen } from '../listen.ts'
import { failOnUnusedRecordings } from '../unused-recordings.ts'
import { type StartedSimulator, startSimulator } from '../start-simulator.ts'
import { startWatching, type StartWatchingOptions } from '../start-watching.ts'
import { unlessStopped, whenAborted } from '../process-lifecycle.ts'
import { WorkerCoordinator } from './worker-coordinator.ts'
import { WorkerPool } from './worker-pool.ts'
import type { Config } from '../../config/config.ts'
import { configError } from '../../config/resolve-settings.ts'

/** A simulator that serves requests. */
export interface Serving {
  readonly url: string
  readonly simulator: Simulator
  /** Returns the number of requests in flight. */
  readonly requestsInFlight: () => Promise<number>
}

/** Options of `serveWithWorkers`. */
export interface ServeOptions {
  readonly live: LiveConfig
  readonly sources: ConfigSources
  readonly logger: Logger
  /** The number of workers. */
  readonly count: number
  /** Aborts the start, and stops serving. */
  readonly stop: AbortSignal
  /** Called when all workers accept requests. Serving stops when its promise resolves. */
  readonly whileServing: (serving: Serving) => Promise<void>
}

/**
 * Serves with several processes that act as one simulator. This process is the primary: it does not listen, holds the shared state and
 * metrics, and replaces workers that exit.
 *
 * @throws {OperatorError} as for one process, and CONFIG_INVALID for settings that need a single process
 */
export async function serveWithWorkers(options: ServeOptions): Promise<void> {
  const { live, sources, logger, count, stop } = options
  refuseWithWorkers(live.current, count, 'start')
  const { workingDirectory } = sources
  let coordinator: WorkerCoordinator | undefined
  const starting = startSimulator(live, {
    clock: createSystemClock(),
    logger,
    loopLag: createLoopLag(),
    extensions: live.current.extensionPaths,
    workingDirectory,
    onReset: () => coordinator?.resetWorkers(),
    pages: {
      metrics: {
        render: async () => (await coordinator?.metrics.render()) ?? '',
        toJson: async (names) => (await coordinator?.metrics.toJson(names)) ?? noMetrics,
      },
    },
  })
  const started = await unlessStopped(starting, stop, live.current.shutdownGraceSeconds * 1_000)
  if (!started) return
  const { simulator } = started
  const { prepare } = live
  live.prepare = (next) => {
    refuseWithWorkers(next, count, 'change the configuration')
    return prepare(next)
  }
  try {
    // Stored changes can have other settings than the start.
    refuseWithWorkers(live.current, count, 'start')
    const port = await findPort(started)
    coordinator = new WorkerCoordinator({ ...started, workingDirectory, port })
    await servePool(coordinator, started, options)
    failOnUnusedRecordings(coordinator.metrics.unused)
  } catch (error) {
    await simulator.close().catch(() => {})
    throw error
  }
}

async function servePool(
  coordinator: WorkerCoordinator,
  { simulator }: StartedSimulator,
  { live, sources, count, stop, whileServing }: ServeOptions,
): Promise<void> {
  const { logger } = simulator
  const pool = new WorkerPool(coordinator, logger)
  const stopped = whenAborted(stop)
  // Before the first worker answers, so that no change after that is missed. Workers get the state when they join.
  const watch = startWatching({ live, simulator: withWorkerRefresh(simulator, coordinator), sources, logger })
  try {
    const url = stop.aborted ? undefined : await Promise.race([pool.start(count), stopped])
    if (url === undefined) await stopped
    else
      await whileServing({ url, simulator, requestsInFlight: () => coordinator.metrics.requestsInFlight() })
  } finally {
    await watch.close()
    await pool.stop(live.current.shutdownGraceSeconds * 1_000)
    coordinator.metrics.close()
  }
  await simulator.close()
}

/**
 * Opens and closes the port before workers start, to detect errors and to choose the port. All workers, and their replacements, use the
 * same port.
 */
async function findPort({ app, simulator }: StartedSimulator): Promise<number> {
  const { host, port } = simulator.config
  const probe = await listen(app, host, port)
  await probe.close(0)
  return Number(new URL(probe.url).port)
}

/** Wraps the recordings of the primary so that a reload also reloads them in all workers. */
function withWorkerRefresh(
  simulator: StartedSimulator['simulator'],
  coordinator: WorkerCoordinator,
): StartWatchingOptions['simulator'] {
  const wrappers = new WeakMap<Replay, Replay>()
  const wrap = (replay: Replay): Replay => {
    let wrapped = wrappers.get(replay)
    if (!wrapped) {
      wrapped = {
        ...replay,
        async refresh(paths) {
          const [result] = await Promise.all([replay.refresh(paths), coordinator.refresh(paths)])
          return result
        },
      }
      wrappers.set(replay, wrapped)
    }
    return wrapped
  }
  return {
    configStore: simulator.configStore,
    get recordings() {
      return simulator.recordings.map(({ replay }) => ({ replay: replay && wrap(replay) }))
    },
  }
}

/**
 * Rejects settings that need a single process.
 *
 * @param what completes "Could not ...": `start`
 * @throws {OperatorError} CONFIG_INVALID
 */
function refuseWithWorkers({ clock, resources }: Config, count: number, what: string): void {
  const problems: string[] = []
  const got = `(got WORKERS=${count})`
  const advice = 'Set WORKERS=1'
  const views = [...resources.values()]
  const recording = views.find(({ sources }) => sources.includes('record'))
  if (recording) {
    const what = recording.mode === 'record' ? 'SIMULATOR_MODE=record' : 'A deployment with source: record'
    problems.push(`${what} writes its files from one process ${got}. ${advice} while you record.`)
  }
  const missing = views.find(({ missActions }) => missActions.includes('record'))
  if (missing) {
    const isSetting = missing.recordings.replay.onMiss === 'record'
    const what = isSetting ? 'REPLAY_ON_MISS=record' : 'A deployment with onMiss: record'
    const other = isSetting ? 'choose another REPLAY_ON_MISS' : 'change onMiss'
    problems.push(
      `${what} writes its files from one process ${got}. ${advice} while you record, or ${other}.`,
    )
  }
  if (clock === 'virtual') {
    problems.push(`SIMULATOR_CLOCK=virtual is the clock of one process ${got}. ${advice} for it.`)
  }
  if (problems.length > 0) throw configError(what, problems)
}
