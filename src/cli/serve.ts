import { readFileSync } from 'node:fs'
import { createApp } from '../app/app.ts'
import { createSimulator, type Simulator } from '../app/simulator.ts'
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
 * @throws {OperatorError} for a wrong configuration, an address that cannot be listened on, or recordings that cannot be
 * read, written, or were not used
 */
export async function serve(host: CliHost, flags: Flags): Promise<void> {
  const { env, workingDirectory, stdout } = host
  const config = loadConfig({
    flags,
    env,
    workingDirectory,
    readFile: (path) => readFileSync(path, 'utf8'),
  })

  // Their tables take a good tenth of a second each, which the first requests should not wait for.
  for (const name of encodingNames) loadEncoding(name)
  const logger = createLogger(config.logLevel)
  const simulator = createSimulator(config, { clock: createSystemClock(), logger, loopLag: createLoopLag() })
  await simulator.recorder?.open().catch((error: unknown) => {
    simulator.incidents.stop()
    throw error
  })
  const listener = await listen(createApp(simulator), config.host, config.port).catch(
    async (error: unknown) => {
      simulator.incidents.stop()
      await simulator.recorder?.close()
      throw error
    },
  )
  stdout.write(renderBanner(config, listener.url))

  await stopSignal(host)
  stdout.write(`Stopping: waiting up to ${config.shutdownGraceSeconds} s for running answers to end.\n`)
  simulator.incidents.stop()
  await listener.close(config.shutdownGraceSeconds * 1000)
  await simulator.recorder?.close()
  refuseUnused(config, simulator)
}

/** @throws {OperatorError} RECORDINGS_UNUSED where the configuration asks for it */
function refuseUnused({ mode }: Config, { replay }: Simulator): void {
  if (mode.kind !== 'replay' || !mode.recordings.replay.strict || !replay) return
  const unused = replay.unused()
  if (unused.length === 0) return
  const list = unused.map((place) => `\n  ${place}`).join('')
  const count = unused.length === 1 ? '1 recording was' : `${unused.length} recordings were`
  throw new OperatorError(
    'RECORDINGS_UNUSED',
    `Could not pass the run (REPLAY_STRICT): ${count} never used. Remove what no test needs any more:${list}`,
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
