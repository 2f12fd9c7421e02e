import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const startTimeoutMs = 20_000
const running = new Set<ChildProcess>()

process.on('exit', stopAll)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))

/** Ends every process that was started here; none outlives the benchmark. */
export function stopAll(): void {
  for (const child of running) child.kill('SIGKILL')
}

/** Ends one process that was started here, and waits until it is gone. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

/** True when the command can be started. */
export function isInstalled(command: string): boolean {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).error === undefined
}

/** The two processors that the servers and the load generator have to themselves; absent where that is not possible. */
export function findCores(): { servers: string; load: string } | undefined {
  if (process.platform !== 'linux' || !isInstalled('taskset')) return undefined
  const allowed = /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? ''
  const [servers, load] = allowed.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, index) => String(first + index))
  })
  return servers !== undefined && load !== undefined ? { servers, load } : undefined
}

/** How a program is started: on which core, away from which surroundings. */
export interface StartOptions {
  /** The number of a core as taskset knows it; undefined where the system is to decide. */
  readonly core: string | undefined
  /** Added to `PATH` and `HOME`, which is all that it has otherwise. */
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  /** Where its errors go; default: to ours. */
  readonly stderr?: 'inherit' | 'pipe'
}

/** Starts a program. Its standard output is piped. */
export function start(command: readonly string[], options: StartOptions): ChildProcess {
  const [program = '', ...args] = options.core ? ['taskset', '-c', options.core, ...command] : command
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', options.stderr ?? 'inherit'],
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

/** The standard output of a program that ends by itself. */
export async function outputOf(child: ChildProcess): Promise<string> {
  let output = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text))
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
  if (code !== 0)
    throw new Error(`Could not measure: ${child.spawnargs.join(' ')} ended with ${String(code)}.`)
  return output
}

/** A port of the loopback interface that was free a moment ago. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Waits until the server accepts connections. */
export async function untilItAnswers(
  child: ChildProcess,
  port: number,
  timeoutMs = startTimeoutMs,
): Promise<void> {
  child.stdout?.resume()
  const giveUpMs = performance.now() + timeoutMs
  while (!(await accepts(port))) {
    if (child.exitCode !== null || child.signalCode !== null || performance.now() > giveUpMs) {
      throw new Error(
        `Could not start ${child.spawnargs.join(' ')}: no answer on port ${port}. Try it by hand.`,
      )
    }
    await sleep(50)
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true))
    socket.once('error', () => resolve(false)).once('connect', () => socket.destroy())
  })
}
