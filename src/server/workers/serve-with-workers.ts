import type { LiveConfig } from '../../config/live-config.ts'
import type { ConfigSources } from '../../config/sources.ts'
import type { Logger } from '../../lib/logger.ts'
import { createLoopLag } from '../../lib/loop-lag.ts'
import { createSystemClock } from '../../lib/system-clock.ts'
import type { Replay } from '../../recordings/replay-mode.ts'
import type { Simulator } from '../simulator.ts'
import { listen } from '../listen.ts'
import { failOnUnusedRecordings } from '../unused-recordings.ts'
import { type StartedSimulator, startSimulator } from '../start-simulator.ts'
import { startWatching, type WatchOptions } from '../start-watching.ts'
import { unlessStopped, whenAborted } from '../process-life.ts'
import { WorkerCoordinator } from './worker-coordinator.ts'
import { WorkerPool } from './worker-pool.ts'
import type { Config } from '../../config/config.ts'
import { configError } from '../../config/resolve-inputs.ts'

/** What takes requests. */
export interface Serving {
  readonly url: string
  readonly simulator: Simulator
  /** How many answers have not ended. */
  readonly running: () => Promise<number>
}

/** What is served by several processes. */
export interface ServeOptions {
  readonly live: LiveConfig
  readonly sources: ConfigSources
  readonly logger: Logger
  /** How many workers there are. */
  readonly count: number
  /** Ends the start, and serving. */
  readonly stop: AbortSignal
  /** Is called once all workers take requests; serving ends when its promise does. */
  readonly whileServing: (serving: Serving) => Promise<void>
}

/**
 * Serves from several processes as one service. This process listens to nobody: it decides, keeps and counts for all, and
 * replaces workers that die.
 *
 * @throws {OperatorError} as serving from one process does, and CONFIG_INVALID for what takes one process
 */
export async function serveWithWorkers(parts: ServeOptions): Promise<void> {
  const { live, sources, logger, count, stop } = parts
  refuseWithWorkers(live.current, count, 'start')
  const { workingDirectory } = sources
  let service: WorkerCoordinator | undefined
  const starting = startSimulator(live, {
    clock: createSystemClock(),
    logger,
    loopLag: createLoopLag(),
    extensions: live.current.extensionPaths,
    workingDirectory,
    onForget: () => service?.forget(),
    pages: { renderMetrics: async () => (await service?.metrics.render()) ?? '' },
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
    const port = await findPort(started)
    service = new WorkerCoordinator({ ...started, workingDirectory, port })
    await serveBy(service, started, parts)
    failOnUnusedRecordings(service.metrics.unused)
  } catch (error) {
    await simulator.close().catch(() => {})
    throw error
  }
}

async function serveBy(
  service: WorkerCoordinator,
  { simulator }: StartedSimulator,
  { live, sources, logger, count, stop, whileServing }: ServeOptions,
): Promise<void> {
  const pool = new WorkerPool(service, logger)
  const stopped = whenAborted(stop)
  const url = stop.aborted ? undefined : await Promise.race([pool.start(count), stopped])
  const watch = startWatching({ live, simulator: refreshingAll(simulator, service), sources, logger })
  try {
    if (url === undefined) await stopped
    else await whileServing({ url, simulator, running: () => service.metrics.running() })
  } finally {
    await watch.close()
    await pool.stop(live.current.shutdownGraceSeconds * 1_000)
    service.metrics.close()
  }
  await simulator.close()
}

/**
 * Finds the port, and whether it can be listened on, before anything is started for it. All workers have to be given the same
 * one, and one that comes later that of the first.
 */
async function findPort({ app, simulator }: StartedSimulator): Promise<number> {
  const { host, port } = simulator.config
  const probe = await listen(app, host, port)
  await probe.close(0)
  return Number(new URL(probe.url).port)
}

/** Recordings that have changed are taken up by every worker, and not by the primary alone. */
function refreshingAll(
  simulator: StartedSimulator['simulator'],
  service: WorkerCoordinator,
): WatchOptions['simulator'] {
  const known = new WeakMap<Replay, Replay>()
  const wrap = (replay: Replay): Replay => {
    let wrapped = known.get(replay)
    if (!wrapped) {
      wrapped = {
        ...replay,
        async refresh(paths) {
          const [result] = await Promise.all([replay.refresh(paths), service.refresh(paths)])
          return result
        },
      }
      known.set(replay, wrapped)
    }
    return wrapped
  }
  return {
    get recordings() {
      return simulator.recordings.map(({ replay }) => ({ replay: replay && wrap(replay) }))
    },
  }
}

/**
 * Refuses what several processes cannot do as one.
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
  if (
    views.some(
      ({ sources, recordings }) => sources.includes('replay') && recordings.replay.onMiss === 'record',
    )
  ) {
    problems.push(
      `REPLAY_ON_MISS=record writes its files from one process ${got}. ${advice} while you record, or choose another REPLAY_ON_MISS.`,
    )
  }
  if (clock === 'virtual') {
    problems.push(`SIMULATOR_CLOCK=virtual is the clock of one process ${got}. ${advice} for it.`)
  }
  if (problems.length > 0) throw configError(what, problems)
}
