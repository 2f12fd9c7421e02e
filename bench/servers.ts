import type { ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { childrenOf, hasProcessFacts } from './process-facts.ts'
import { findFreePort, start, waitForPort, type StartOptions } from './processes.ts'

/** API key of every measured simulator. */
export const key = 'benchmark'

/** Path of the simulator that `make build` creates. */
export const builtSimulator = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))

/** Reading 100,000 recordings takes some seconds, and longer on a busy machine. */
const startTimeoutMs = 120_000

const collectOnSignal = new URL('./collect-on-signal.mjs', import.meta.url).href

/** A server process on a port of the loopback interface. */
export interface Server {
  readonly child: ChildProcess
  readonly pid: number
  readonly port: number
}

/** Options for starting a simulator. */
export interface SimulatorOptions extends Pick<StartOptions, 'core' | 'stderr'> {
  /** Path of the simulator's main.js. */
  readonly program: string
  /** Working directory, separate from any .env file of the developer. */
  readonly folder: string
  readonly deployments: object
  /** Overrides settings. */
  readonly env?: NodeJS.ProcessEnv
  /** Allows `collectedMb` to request a garbage collection. */
  readonly canCollect?: boolean
}

/** Starts the simulator as users do, and waits until it accepts connections. Latency is off unless `env` sets it. */
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
      LOG_LEVEL: 'error', // No warnings that the simulator is the bottleneck, which is intended here.
      ...env,
    },
  })
  const workers = Number(env?.['WORKERS'] ?? 1)
  // A build without this setting would ignore it and be measured as several processes.
  if (workers > 1 && hasProcessFacts && childrenOf(server.pid).length < workers - 1) {
    throw new Error(
      `Could not measure ${workers} workers: ${program} runs as one process. Use a build that supports WORKERS.`,
    )
  }
  return server
}

/** Starts the bare server with a captured answer, see reference-server.mjs. */
export async function startReference(answerFile: string, core: string | undefined): Promise<Server> {
  const port = await findFreePort()
  const script = fileURLToPath(new URL('./reference-server.mjs', import.meta.url))
  return running([process.execPath, script, String(port), answerFile], port, { core })
}

/** Starts a program that listens on a port, and waits until it accepts connections. */
export async function running(
  command: readonly string[],
  port: number,
  options: StartOptions,
): Promise<Server> {
  const child = start(command, options)
  await waitForPort(child, port, startTimeoutMs)
  return { child, pid: child.pid ?? 0, port }
}
