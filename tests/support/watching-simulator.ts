import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { createApp } from '../../src/server/app.ts'
import { assembleSimulator, type Simulator } from '../../src/server/simulator.ts'
import { loadLiveConfig } from '../../src/config/live-config.ts'
import { createSystemClock } from '../../src/lib/system-clock.ts'
import { startWatching } from '../../src/server/start-watching.ts'
import { recordingFolder } from './recording-folder.ts'
import { collectInto, type LogLine } from './test-logger.ts'
import { testKey, testSimulator } from './test-simulator.ts'

/** A simulator that watches the files of a separate folder until the test has ended. */
export interface WatchingSimulator {
  /** The working directory. */
  readonly dir: string
  readonly simulator: Simulator
  readonly log: LogLine[]
  /** Sends JSON with the key; gives the answer's status and text. */
  readonly ask: (path: string, body: unknown) => Promise<{ readonly status: number; readonly text: string }>
  /** What was logged, one line each. */
  readonly logged: () => string
}

/** How the simulator is started. */
export interface WatchingOptions {
  /** Changes the folder before the start. */
  readonly prepare?: (dir: string) => void
  /** How long a file must stay the same, in milliseconds. */
  readonly quietMs?: number
}

/** Writes files into a new folder, and starts a simulator in it that watches them. */
export async function createWatchingSimulator(
  files: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
  { prepare, quietMs = 40 }: WatchingOptions = {},
): Promise<WatchingSimulator> {
  const dir = recordingFolder(files)
  prepare?.(dir)
  const log: LogLine[] = []
  const logger = collectInto(log)
  const sources = {
    flags: {},
    env: {
      SIMULATOR_API_KEY: testKey,
      SIMULATOR_SEED: 'watch',
      LATENCY_TIME_SCALE: '0',
      WATCH: 'true',
      RECORDING_DIR: join(dir, 'recordings'),
      ...env,
    },
    workingDirectory: dir,
    readFile: (path: string) => readFileSync(path, 'utf8'),
  }
  const live = loadLiveConfig(sources)
  const clock = createSystemClock()
  const simulator = assembleSimulator(live, { clock, logger })
  const { post } = testSimulator({ simulator, app: createApp(simulator) }, clock, log)
  const watching = startWatching({ live, simulator, sources, logger, pollMs: 50, quietMs })
  onTestFinished(async () => {
    await watching.close()
    await simulator.close()
  })
  await watching.ready
  return {
    dir,
    simulator,
    log,
    logged: () => log.map(({ level, message }) => `${level}: ${message}`).join('\n'),
    async ask(path, body) {
      const response = await post(path, body)
      return { status: response.status, text: await response.text() }
    },
  }
}
