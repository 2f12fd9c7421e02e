import { setTimeout as sleep } from 'node:timers/promises'
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { run } from '../../src/cli/run.ts'

/** The folder of the package, which commands of the documents are run in. */
export const packageFolder = fileURLToPath(new URL('../..', import.meta.url))

const builtMain = join(packageFolder, 'dist/cli/main.js')

/** The banner is the program's word that it takes requests; it ends with the example request and an empty line. */
const bannerEnd = /Try it:\n\n[^]+?\n\n/

/** Long enough for a start beside a busy test run, and for a run of some seconds: a start takes half a second. */
const startLimitMs = 40_000

/** Long enough for whatever comes in milliseconds on an idle machine, starts of further processes included. */
const patienceMs = 30_000

/** How to start the built program. */
export interface ProgramOptions {
  /** Arguments after `--port 0`, so that a `--port` here takes precedence. */
  readonly args?: readonly string[]
  /** Variables in addition to PATH. No other variable of the test's environment is passed on. */
  readonly env?: Readonly<Record<string, string>>
  /** Files of the working directory, which is empty else: name to text. */
  readonly files?: Readonly<Record<string, string>>
  /** Deployments as the deployment file has them. */
  readonly deployments?: Readonly<Record<string, object>>
}

/** How to start the built program in this process. */
interface InProcessOptions extends ProgramOptions {
  /** The working directory. Default: a new one with `files`, which is removed at the end. */
  readonly folder?: string
}

/** How a program ended. */
export interface ProgramEnd {
  /** The exit code; null when a signal killed it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A program that takes requests. `await using` ends it, whatever the test does. */
export interface RunningProgram extends AsyncDisposable {
  /** The endpoint of the banner, such as `http://127.0.0.1:40123`. */
  readonly url: string
  readonly port: number
  readonly key: string
  /** What it has printed so far. */
  stdout(): string
  stderr(): string
  /** Sends a signal and goes on. */
  signal(signal: NodeJS.Signals): void
  /** Resolves when it has ended, for whatever reason. */
  readonly end: Promise<ProgramEnd>
  /** Asks it to end and waits; kills it when it does not. */
  stop(): Promise<ProgramEnd>
}

/** The key of programs that are started without one. */
export const programKey = 'end-to-end-key'

/**
 * Starts `node dist/cli/main.js` on a free port and waits for its banner. It answers without delay unless `env` asks
 * for some, and its key is `programKey`; an empty SIMULATOR_API_KEY makes it generate one.
 */
export async function startProgram(options: ProgramOptions = {}): Promise<RunningProgram> {
  const env = { SIMULATOR_API_KEY: programKey, LATENCY_TIME_SCALE: '0', ...options.env }
  const launched = launch(['--port', '0', ...(options.args ?? [])], { ...options, env })
  return whenReady(launched, env.SIMULATOR_API_KEY)
}

/** Starts the program by a command of a document, in the folder of the package, and waits for its banner. */
export async function startByShell(script: string): Promise<RunningProgram> {
  const child = spawn('bash', ['--norc', '-euo', 'pipefail', '-c', script], {
    cwd: packageFolder,
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A separate process group, so that a signal reaches the processes that make has started, as with Ctrl-C.
    detached: true,
  })
  return whenReady(
    watch(child, () => undefined),
    '',
  )
}

/**
 * Starts the built program like `startProgram`, but in this process: a process takes half a second of CPU time to start. For tests
 * of what it answers: its log is not in `stderr()`, each signal is a SIGTERM, and it cannot have workers.
 */
export async function startInProcess(options: InProcessOptions = {}): Promise<RunningProgram> {
  const env = { SIMULATOR_API_KEY: programKey, LATENCY_TIME_SCALE: '0', LOG_LEVEL: 'error', ...options.env }
  const launched = await launchInProcess(['--port', '0', ...(options.args ?? [])], { ...options, env })
  return whenReady(launched, env.SIMULATOR_API_KEY)
}

async function whenReady({ send: sendSignal, output, end }: Launched, key: string): Promise<RunningProgram> {
  await waitFor(() => bannerEnd.test(output.stdout), end, output)
  const url = /Endpoint +(\S+)/.exec(output.stdout)?.[1] ?? ''
  const stop = async (): Promise<ProgramEnd> => {
    sendSignal('SIGTERM')
    const kill = setTimeout(() => sendSignal('SIGKILL'), patienceMs)
    const ended = await end
    clearTimeout(kill)
    return ended
  }
  return {
    url,
    port: Number(new URL(url).port),
    key: key || (/API key +(\S+)/.exec(output.stdout)?.[1] ?? ''),
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    signal: sendSignal,
    end,
    stop,
    async [Symbol.asyncDispose]() {
      // A test that is over is not interested in how its streams end.
      sendSignal('SIGKILL')
      await end
    },
  }
}

/** Runs `node dist/cli/main.js` with exactly these arguments until it ends by itself. */
export async function runProgram(
  args: readonly string[],
  options: Omit<ProgramOptions, 'args'> = {},
): Promise<ProgramEnd> {
  const { send: sendSignal, end } = launch(args, options)
  const kill = setTimeout(() => sendSignal('SIGKILL'), startLimitMs)
  const ended = await end
  clearTimeout(kill)
  return ended
}

/** Runs the built program like `runProgram`, but in this process. For commands that end, and starts that are refused. */
export async function runInProcess(
  args: readonly string[],
  options: Omit<InProcessOptions, 'args'> = {},
): Promise<ProgramEnd> {
  return (await launchInProcess(args, options)).end
}

/** What a program has printed; it grows while the program runs. */
interface Output {
  stdout: string
  stderr: string
}

type Child = ChildProcessByStdio<null, Readable, Readable>

interface Launched {
  readonly send: (signal: NodeJS.Signals) => void
  readonly output: Output
  readonly end: Promise<ProgramEnd>
}

const running = new Set<Child>()
process.once('exit', () => {
  for (const child of running) send(child, 'SIGKILL')
})

/** Signals the group that the program leads, which for a shell holds the program that it has started. */
function send({ pid, exitCode }: Child, signal: NodeJS.Signals): void {
  if (pid === undefined || exitCode !== null) return
  try {
    process.kill(-pid, signal)
  } catch (error) {
    // It has just ended by itself.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

function launch(args: readonly string[], options: ProgramOptions): Launched {
  const folder = workingDirectory(options)
  const child = spawn(process.execPath, [builtMain, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...variables(options) },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  return watch(child, () => rmSync(folder, { recursive: true, force: true }))
}

function workingDirectory({ files = {}, deployments }: ProgramOptions): string {
  const folder = mkdtempSync(join(tmpdir(), 'aoai-e2e-'))
  const written = deployments ? { ...files, 'deployments.json': JSON.stringify(deployments) } : files
  for (const [name, text] of Object.entries(written)) writeFileSync(join(folder, name), text)
  return folder
}

const variables = ({ env, deployments }: ProgramOptions): Record<string, string> => ({
  ...(deployments && { OPENAI_DEPLOYMENT_CONFIG_PATH: 'deployments.json' }),
  ...env,
})

/** What `dist/cli/main.js` loads and calls; its name has a hash. */
async function loadRun(): Promise<typeof run> {
  const [, path = ''] = /import\("(.+?)"\)/.exec(readFileSync(builtMain, 'utf8')) ?? []
  const loaded = (await import(join(packageFolder, 'dist/cli', path))) as { readonly run: typeof run }
  return loaded.run
}

async function launchInProcess(argv: readonly string[], options: InProcessOptions): Promise<Launched> {
  const runBuilt = await loadRun()
  const folder = options.folder ?? workingDirectory(options)
  const output: Output = { stdout: '', stderr: '' }
  const signals = new EventEmitter()
  const end = runBuilt({
    argv,
    env: variables(options),
    workingDirectory: folder,
    stdout: { write: (text) => (output.stdout += text) },
    stderr: { write: (text) => (output.stderr += text) },
    signals,
  }).then((code) => {
    if (options.folder === undefined) rmSync(folder, { recursive: true, force: true })
    return { code, ...output }
  })
  return { send: () => void signals.emit('SIGTERM'), output, end }
}

/** Collects what a program prints until it ends. */
function watch(child: Child, onEnd: () => void): Launched {
  running.add(child)
  const output: Output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
  const end = new Promise<ProgramEnd>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      running.delete(child)
      onEnd()
      resolve({ code, ...output })
    })
  })
  return { send: (signal) => send(child, signal), output, end }
}

async function waitFor(isReady: () => boolean, end: Promise<ProgramEnd>, output: Output): Promise<void> {
  const limit = Date.now() + startLimitMs
  const state = { ended: false }
  void end.then(() => (state.ended = true))
  while (!isReady()) {
    if (state.ended || Date.now() > limit) {
      throw new Error(`The program did not start. It printed:\n${output.stdout}${output.stderr}`)
    }
    await sleep(10)
  }
}

/** Asks again until the answer is right or half a minute has passed, and gives the last answer. */
export async function eventually<T>(ask: () => Promise<T>, isRight: (answer: T) => boolean): Promise<T> {
  const limit = Date.now() + patienceMs
  for (;;) {
    const answer = await ask()
    if (isRight(answer) || Date.now() > limit) return answer
    await sleep(20)
  }
}
