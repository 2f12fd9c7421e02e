import type { ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { childCount, hasProcessFacts } from './process-facts.ts'
import { findFreePort, start, untilItAnswers, type StartOptions } from './processes.ts'

/** The key of every simulator that is measured. */
export const key = 'benchmark'

/** The simulator as `make build` leaves it. */
export const builtSimulator = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))

/** A hundred thousand recordings are read in some seconds, on a busy machine in more. */
const startTimeoutMs = 120_000

const collectOnSignal = new URL('./collect-on-signal.mjs', import.meta.url).href

/** A process that answers on a port of the loopback interface. */
export interface Server {
  readonly child: ChildProcess
  readonly pid: number
  readonly port: number
}

/** How a simulator is started. */
export interface SimulatorOptions extends Pick<StartOptions, 'core' | 'stderr'> {
  /** The program's main.js. */
  readonly program: string
  /** An own folder, away from any .env of the developer. */
  readonly folder: string
  readonly deployments: object
  /** Replaces settings. */
  readonly env?: NodeJS.ProcessEnv
  /** Lets `collectedMb` ask for a collection of garbage. */
  readonly canCollect?: boolean
}

/** Starts the simulator as users run it, and waits until it answers. It waits for nothing unless `env` says so. */
export async function startSimulator(options: SimulatorOptions): Promise<Server> {
  const { program, folder, deployments, env, core, stderr = 'inherit', canCollect = false } = options
  const file = join(folder, 'deployments.json')
  writeFileSync(file, JSON.stringify(deployments))
  const port = await findFreePort()
  const nodeArgs = canCollect ? ['--expose-gc', '--import', collectOnSignal] : []
  const server = await running([process.execPath, ...nodeArgs, program, '--port', String(port)], port, {
    core,
    stderr,
    cwd: folder,
    env: {
      SIMULATOR_MODE: 'generate',
      SIMULATOR_API_KEY: key,
      OPENAI_DEPLOYMENT_CONFIG_PATH: file,
      LATENCY_TIME_SCALE: '0',
      LOG_LEVEL: 'error', // That the simulator is the bottleneck is what is wanted here.
      ...env,
    },
  })
  const workers = Number(env?.['WORKERS'] ?? 1)
  // A build from before that setting would pass over it, and be taken for several processes.
  if (workers > 1 && hasProcessFacts && childCount(server.pid) < workers - 1) {
    throw new Error(
      `Could not measure ${workers} workers: ${program} runs as one process. Use a build that knows WORKERS.`,
    )
  }
  return server
}

/** Starts the bare server with the answers of a file, see reference-server.mjs. */
export async function startReference(answerFile: string, core: string | undefined): Promise<Server> {
  const port = await findFreePort()
  const script = fileURLToPath(new URL('./reference-server.mjs', import.meta.url))
  return running([process.execPath, script, String(port), answerFile], port, { core })
}

/** Starts a program that listens on a port, and waits until it does. */
export async function running(
  command: readonly string[],
  port: number,
  options: StartOptions,
): Promise<Server> {
  const child = start(command, options)
  await untilItAnswers(child, port, startTimeoutMs)
  return { child, pid: child.pid ?? 0, port }
}
