import { loadLiveConfig } from '../config/load-config.ts'
import type { Config } from '../config/config.ts'
import { createLogger, type Logger } from '../platform/logger.ts'
import { createLoopLag } from '../platform/loop-lag.ts'
import { createSystemClock } from '../platform/system-clock.ts'
import { createVirtualClock } from '../platform/virtual-clock.ts'
import { listen } from '../server/listen.ts'
import { refuseUnused } from '../server/refuse-unused.ts'
import { startSimulator } from '../server/start-simulator.ts'
import { unlessStopped, whenAborted } from '../server/unless-stopped.ts'
import { startWatching } from '../server/start-watching.ts'
import { countWorkers, workerMark } from '../server/workers/count-workers.ts'
import { surviveStrayFailures } from '../server/stray-failures.ts'
import { encodingNames } from '../tokens/encoding-files.ts'
import { loadEncoding } from '../tokens/encoding.ts'
import { renderBanner } from './banner.ts'
import type { CliHost } from './cli-host.ts'
import { configSources } from './config-sources.ts'
import type { Flags } from './program.ts'

/**
 * Serves until a signal stops it.
 *
 * @throws {OperatorError} for a wrong configuration, an extension that cannot be used, an address that cannot be listened
 * on, or recordings that cannot be read, written, or were not used
 */
export async function serve(host: CliHost, flags: Flags): Promise<void> {
  if (host.env[workerMark]) return (await import('../server/workers/worker.ts')).runWorker()
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

  const logger = createLogger(logLevel)
  if (extensionPaths.length > 0) surviveStrayFailures(logger)
  warnOfWeakKeys(live.current, logger)
  const stopped = whenAborted(stop).then(() => {
    host.stdout.write(`Stopping: waiting up to ${graceSeconds} s for running answers to end.\n`)
  })
  const whileServing = (url: string, workers = 1): Promise<void> => {
    host.stdout.write(renderBanner(live.current, url, workers))
    return stopped
  }
  const count = countWorkers(live.current)
  if (count > 1) {
    const { serveWithWorkers } = await import('../server/workers/serve-with-workers.ts')
    return serveWithWorkers({
      live,
      sources,
      logger,
      count,
      stop,
      whileServing: (url) => whileServing(url, count),
    })
  }

  const starting = startSimulator(live, {
    clock: clock === 'virtual' ? createVirtualClock() : createSystemClock(),
    logger,
    loopLag: createLoopLag(),
    extensions: extensionPaths,
    workingDirectory: host.workingDirectory,
  })
  const started = await unlessStopped(starting, stop, graceSeconds * 1_000)
  if (!started) return
  const { simulator, app } = started
  // Their tables take a good tenth of a second each, which the first requests should not wait for.
  for (const name of encodingNames) loadEncoding(name)
  const watch = startWatching({ live, simulator, sources, logger })
  await thenClose(
    async () => {
      // A signal that has come meanwhile is heard before the port is opened.
      await new Promise(setImmediate)
      if (stop.aborted) return
      const listener = await listen(app, address, port, {
        connections: live.current.connections,
        logger,
        onConnectionEnd: simulator.metrics.connectionEnded,
      })
      await thenClose(
        () => whileServing(listener.url),
        () => listener.close(graceSeconds * 1000),
      )
    },
    async () => {
      await watch.close()
      await simulator.close()
    },
  )
  refuseUnused(simulator)
}

/** A key of this length cannot be guessed, even in hexadecimal digits alone. */
const safeKeyLength = 16

/** Says once that other machines could guess a key. */
export function warnOfWeakKeys({ host, apiKey, adminApiKey }: Config, logger: Logger): void {
  if (/^(?:localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/i.test(host)) return
  const weak = [
    ...(apiKey.length < safeKeyLength ? ['SIMULATOR_API_KEY'] : []),
    ...(adminApiKey !== apiKey && adminApiKey.length < safeKeyLength ? ['SIMULATOR_ADMIN_API_KEY'] : []),
  ]
  if (weak.length === 0) return
  const message = `Other machines reach ${host}, and ${weak.join(' and ')} has fewer than ${safeKeyLength} characters. Set a longer key.`
  logger.warn({ host }, message)
}

/** Closes after the work whatever comes of it. Where both fail, the work's failure is the one to tell. */
async function thenClose(work: () => Promise<void>, close: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    await close().catch(() => {})
    throw error
  }
  await close()
}

/** Is aborted by the first signal; a second one ends the process at once. */
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
