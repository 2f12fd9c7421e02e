import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const startTimeoutMs = 20_000
const running = new Set<ChildProcess>()

process.on('exit', stopAll)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))

/** Stops all processes that were started here, so that none outlives the benchmark. */
export function stopAll(): void {
  for (const child of running) child.kill('SIGKILL')
}

/** Stops a process that was started here, and waits until it has exited. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await exited
}

/** Whether a command can be started. */
export function isInstalled(command: string): boolean {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).error === undefined
}

/** Returns one core for the servers and one for the load generator, or undefined if processes cannot be pinned. */
export function findCores(): { servers: string; load: string } | undefined {
  if (process.platform !== 'linux' || !isInstalled('taskset')) return undefined
  const allowed = /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? ''
  const [servers, load] = allowed.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, index) => String(first + index))
  })
  return servers !== undefined && load !== undefined ? { servers, load } : undefined
}

/** Options for starting a program. */
export interface StartOptions {
  /** Core number for taskset; undefined means any core. */
  readonly core: string | undefined
  /** Environment variables in addition to `PATH` and `HOME`. No others are passed. */
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  /** Default: inherit. */
  readonly stderr?: 'inherit' | 'pipe'
}

/** Starts a program with piped standard output. */
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

/** Returns the standard output of a program after it has ended. */
export async function outputOf(child: ChildProcess): Promise<string> {
  let output = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text))
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
  if (code !== 0)
    throw new Error(`Could not measure: ${child.spawnargs.join(' ')} ended with ${String(code)}.`)
  return output
}

/** Returns a free port of the loopback interface. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Waits until a server accepts connections. */
export async function waitForPort(
  child: ChildProcess,
  port: number,
  timeoutMs = startTimeoutMs,
): Promise<void> {
  child.stdout?.resume()
  const giveUpMs = performance.now() + timeoutMs
  while (!(await accepts(port))) {
    if (child.exitCode !== null || child.signalCode !== null || performance.now() > giveUpMs) {
      throw new Error(
        `Could not start ${child.spawnargs.join(' ')}: no answer on port ${port}. Run it manually.`,
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
