import { readFileSync } from 'node:fs'
import { createApp } from '../app/app.ts'
import { createSimulator } from '../app/simulator.ts'
import type { Config } from '../config/config.ts'
import { loadConfig } from '../config/load-config.ts'
import { createLogger } from '../platform/logger.ts'
import { createLoopLag } from '../platform/loop-lag.ts'
import { OperatorError } from '../platform/operator-error.ts'
import { createSystemClock } from '../platform/system-clock.ts'
import { listen } from '../server/listen.ts'
import { encodingNames, loadEncoding } from '../tokens/encoding.ts'
import { renderBanner } from './banner.ts'
import type { CliHost } from './cli-host.ts'
import type { Flags } from './program.ts'

/**
 * Serves until a signal stops it.
 *
 * @throws {OperatorError} for a wrong configuration, or an address that cannot be listened on
 */
export async function serve(host: CliHost, flags: Flags): Promise<void> {
  const { env, workingDirectory, stdout } = host
  const config = loadConfig({
    flags,
    env,
    workingDirectory,
    readFile: (path) => readFileSync(path, 'utf8'),
  })
  requireGenerateMode(config)

  // Their tables take a good tenth of a second each, which the first requests should not wait for.
  for (const name of encodingNames) loadEncoding(name)
  const logger = createLogger(config.logLevel)
  const simulator = createSimulator(config, { clock: createSystemClock(), logger, loopLag: createLoopLag() })
  const listener = await listen(createApp(simulator), config.host, config.port).catch((error: unknown) => {
    simulator.incidents.stop()
    throw error
  })
  stdout.write(renderBanner(config, listener.url))

  await stopSignal(host)
  stdout.write(`Stopping: waiting up to ${config.shutdownGraceSeconds} s for running answers to end.\n`)
  simulator.incidents.stop()
  await listener.close(config.shutdownGraceSeconds * 1000)
}

function requireGenerateMode({ mode }: Config): void {
  if (mode.kind === 'generate') return
  throw new OperatorError(
    'CONFIG_INVALID',
    `Could not start in ${mode.kind} mode: it is not part of this version yet. Set SIMULATOR_MODE=generate.`,
  )
}

function stopSignal({ signals }: CliHost): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      signals.off('SIGTERM', stop)
      signals.off('SIGINT', stop)
      resolve()
    }
    signals.on('SIGTERM', stop)
    signals.on('SIGINT', stop)
  })
}
