import type { Signals, StopSignal } from './cli-host.ts'
import { readFileSync } from 'node:fs'

const names: readonly StopSignal[] = ['SIGTERM', 'SIGINT']

/** The members of `process` that are used. */
interface SignalledProcess {
  readonly pid: number
  on(name: StopSignal, listener: (signal: NodeJS.Signals) => void): unknown
  off(name: StopSignal, listener: (signal: NodeJS.Signals) => void): unknown
  kill(pid: number, signal: StopSignal): unknown
}

/**
 * Receives SIGTERM and SIGINT from the start of the program. A signal that arrives before the first listener, while modules are
 * loaded, is delivered to that listener. After the last listener is removed, signals end the process as they do by default.
 */
export class ProcessSignals implements Signals {
  readonly #process: SignalledProcess
  readonly #listeners: { readonly name: StopSignal; readonly listener: () => void }[] = []
  #pending: StopSignal | undefined
  /** Whether a signal was received. */
  received = false

  constructor(process: SignalledProcess) {
    this.#process = process
    for (const name of names) process.on(name, this.#receive)
  }

  on(name: StopSignal, listener: () => void): void {
    this.#listeners.push({ name, listener })
    if (this.#pending === name) {
      this.#pending = undefined
      queueMicrotask(() => this.#notify(name))
    }
  }

  off(name: StopSignal, listener: () => void): void {
    const index = this.#listeners.findIndex((one) => one.name === name && one.listener === listener)
    if (index >= 0) this.#listeners.splice(index, 1)
    if (this.#listeners.length === 0) this.#unwatch()
  }

  release(): void {
    this.#unwatch()
    if (this.#pending) this.#process.kill(this.#process.pid, this.#pending)
  }

  readonly #receive = (signal: NodeJS.Signals): void => {
    const name = signal as StopSignal
    this.received = true
    if (this.#listeners.some((one) => one.name === name)) this.#notify(name)
    else this.#pending ??= name
  }

  #notify(name: StopSignal): void {
    for (const one of this.#listeners.filter((each) => each.name === name)) one.listener()
  }

  #unwatch(): void {
    for (const name of names) this.#process.off(name, this.#receive)
  }
}

/** Twice the number of files that are open at the same time during the start, so that connections have some as well. */
const MIN_OPEN_FILES = 256

/** Enough for a few thousand connections. */
const RECOMMENDED_OPEN_FILES = 4_096

/** Returns a message if this process may not have enough files open, or undefined. */
export function openFilesProblem(allowed = allowedFiles()): string | undefined {
  if (allowed >= MIN_OPEN_FILES) return undefined
  return (
    `Could not start: the limit of open files must be at least ${MIN_OPEN_FILES} (got ${allowed}). ` +
    `Raise it (ulimit -n ${RECOMMENDED_OPEN_FILES}, or --ulimit nofile=${RECOMMENDED_OPEN_FILES} for a container).`
  )
}

/** Returns the soft limit of open files. Node.js has already raised it to the hard limit. */
function allowedFiles(): number {
  if (process.platform === 'win32') return Infinity
  try {
    const limit = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return limit === undefined ? Infinity : Number(limit)
  } catch {
    // Other systems have no such file. A report takes about 20 ms without the network interfaces.
    Object.assign(process.report, { excludeNetwork: true })
    const { userLimits } = process.report.getReport() as {
      readonly userLimits?: { readonly open_files?: { readonly soft?: number | 'unlimited' } }
    }
    const limit = userLimits?.open_files?.soft
    return typeof limit === 'number' ? limit : Infinity
  }
}
