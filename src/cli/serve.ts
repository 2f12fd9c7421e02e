import { loadLiveConfig } from '../config/live-config.ts'
import type { Config } from '../config/config.ts'
import { createLogger, type Logger } from '../lib/logger.ts'
import { createLoopLag } from '../lib/loop-lag.ts'
import { createSystemClock } from '../lib/system-clock.ts'
import { createVirtualClock } from '../lib/virtual-clock.ts'
import { listen, listenOptions } from '../server/listen.ts'
import { chooseLog } from '../server/choose-log.ts'
import { failOnUnusedRecordings, unusedRecordings } from '../server/unused-recordings.ts'
import { startSimulator } from '../server/start-simulator.ts'
import { unlessStopped, whenAborted, guardUnhandledRejections } from '../server/process-lifecycle.ts'
import { startWatching } from '../server/start-watching.ts'
import { countWorkers, workerEnvVar } from '../server/workers/worker-state.ts'
import type { Serving } from '../server/workers/serve-with-workers.ts'
import { encodingNames } from '../tokens/encoding-files.ts'
import { loadEncoding } from '../tokens/encoding.ts'
import { mayShowKey, renderBanner } from './banner.ts'
import { type CliHost, configSources } from './cli-host.ts'
import type { Flags } from './program.ts'

/**
 * Runs the server until a signal stops it.
 *
 * @throws {OperatorError} if the configuration or an extension is invalid, the address is not available, or recordings cannot be
 * read or written or were not used
 */
export async function serve(host: CliHost, flags: Flags): Promise<void> {
  if (host.env[workerEnvVar]) return (await import('../server/workers/worker.ts')).runWorker()
  const stop = stopSignal(host)
  const sources = configSources(host, flags)
  const live = loadLiveConfig(sources)
  const {
    clock,
    logLevel,
    extensionPaths,
    host: address,
    port,
    shutdownGraceSeconds: graceSeconds,
  } = live.current

  const log = chooseLog(live.current, host.stderr, host.env)
  const logger = createLogger(logLevel, { ...log.look, secrets: live.secrets.list })
  if (extensionPaths.length > 0) guardUnhandledRejections(logger)
  warnOfWeakKeys(live.current, logger)
  const count = countWorkers(live.current)
  // Running answers are not counted until all workers have started.
  let running: Serving['requestsInFlight'] | undefined = count > 1 ? undefined : async () => 0
  const stopped = whenAborted(stop).then(async () => {
    host.stdout.write(describeStop(await running?.(), graceSeconds))
  })
  const whileServing = async (serving: Serving, workers = 1): Promise<void> => {
    const { url, simulator } = serving
    running = serving.requestsInFlight
    host.stdout.write(
      await renderBanner({
        simulator,
        url,
        workers,
        showsKey: mayShowKey(host),
        workingDirectory: host.workingDirectory,
      }),
    )
    await stopped
  }
  if (count > 1) {
    const { serveWithWorkers } = await import('../server/workers/serve-with-workers.ts')
    return serveWithWorkers({
      live,
      sources,
      logger,
      count,
      stop,
      whileServing: (serving) => whileServing(serving, count),
    })
  }

  const starting = startSimulator(live, {
    clock: clock === 'virtual' ? createVirtualClock() : createSystemClock(),
    logger,
    requestLog: log.requestLog,
    loopLag: createLoopLag(),
    extensions: extensionPaths,
    workingDirectory: host.workingDirectory,
  })
  const started = await unlessStopped(starting, stop, graceSeconds * 1_000)
  if (!started) return
  const { simulator, app } = started
  // Each table takes 15 to 40 ms to load. Load them now, so that the first requests do not wait.
  for (const name of encodingNames) loadEncoding(name)
  const watch = startWatching({ live, simulator, sources, logger: simulator.logger })
  await thenClose(
    async () => {
      // Lets a signal that arrived in the meantime take effect before the port is opened.
      await new Promise(setImmediate)
      if (stop.aborted) return
      const listener = await listen(app, address, port, listenOptions(simulator))
      await thenClose(
        () =>
          whileServing({
            url: listener.url,
            simulator,
            requestsInFlight: async () => simulator.metrics.running(),
          }),
        () => listener.close(graceSeconds * 1000),
      )
    },
    async () => {
      await watch.close()
      await simulator.close()
      await log.close()
    },
  )
  failOnUnusedRecordings(unusedRecordings(simulator))
}

/** A key of this length cannot be guessed, even if it has hexadecimal digits only. */
const SAFE_KEY_LENGTH = 16

/** Logs one warning if the simulator listens on other interfaces than loopback and a key is short. */
export function warnOfWeakKeys(
  { host, adminApiKey, defaultResource, resources }: Config,
  logger: Logger,
): void {
  const { apiKey } = defaultResource
  if (/^(?:localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/i.test(host)) return
  const others = [...resources].filter(
    ([, view]) => view !== defaultResource && view.apiKey.length < SAFE_KEY_LENGTH,
  )
  const weak = [
    ...(apiKey.length < SAFE_KEY_LENGTH ? ['SIMULATOR_API_KEY'] : []),
    ...(adminApiKey !== apiKey && adminApiKey.length < SAFE_KEY_LENGTH ? ['ADMIN_API_KEY'] : []),
    ...others.map(([name]) => `the key of ${name}`),
  ]
  if (weak.length === 0) return
  const message = `Other machines can reach ${host}, and ${weak.join(' and ')} has fewer than ${SAFE_KEY_LENGTH} characters. Set a longer key.`
  logger.warn({ host }, message)
}

/** Describes what the stop waits for, and how to skip that. */
function describeStop(running: number | undefined, graceSeconds: number): string {
  if (running === 0) return 'Stopping: no answers are running.\n'
  const answers = running === 1 ? '1 running answer' : `${running ?? ''} running answers`.trimStart()
  return `Stopping: waiting up to ${graceSeconds} s for ${answers}. Press Ctrl-C again to stop immediately.\n`
}

/** Closes after the work, even if it fails. If both fail, throws the error of the work. */
async function thenClose(work: () => Promise<void>, close: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    await close().catch(() => {})
    throw error
  }
  await close()
}

/** Returns a signal that is aborted by the first SIGTERM or SIGINT. A second one ends the process immediately. */
function stopSignal({ signals }: CliHost): AbortSignal {
  const controller = new AbortController()
  const stop = (): void => {
    signals.off('SIGTERM', stop)
    signals.off('SIGINT', stop)
    controller.abort()
  }
  signals.on('SIGTERM', stop)
  signals.on('SIGINT', stop)
  return controller.signal
}
