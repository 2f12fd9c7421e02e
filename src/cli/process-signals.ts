import type { Signals, StopSignal } from './cli-host.ts'
import { readFileSync } from 'node:fs'

const names: readonly StopSignal[] = ['SIGTERM', 'SIGINT']

/** The members of the process that are used. */
interface SignalledProcess {
  readonly pid: number
  on(name: StopSignal, listener: (signal: NodeJS.Signals) => void): unknown
  off(name: StopSignal, listener: (signal: NodeJS.Signals) => void): unknown
  kill(pid: number, signal: StopSignal): unknown
}

/**
 * SIGTERM and SIGINT from the first moment of the program on: one that comes while modules are loaded is kept for whoever
 * listens first. When nobody listens any more, signals end the process as they do by default.
 */
export class ProcessSignals implements Signals {
  readonly #process: SignalledProcess
  readonly #listeners: { readonly name: StopSignal; readonly listener: () => void }[] = []
  #kept: StopSignal | undefined
  /** Whether one has come. */
  hasCome = false

  constructor(process: SignalledProcess) {
    this.#process = process
    for (const name of names) process.on(name, this.#receive)
  }

  on(name: StopSignal, listener: () => void): void {
    this.#listeners.push({ name, listener })
    if (this.#kept === name) {
      this.#kept = undefined
      queueMicrotask(() => this.#tell(name))
    }
  }

  off(name: StopSignal, listener: () => void): void {
    const index = this.#listeners.findIndex((one) => one.name === name && one.listener === listener)
    if (index >= 0) this.#listeners.splice(index, 1)
    if (this.#listeners.length === 0) this.#unwatch()
  }

  release(): void {
    this.#unwatch()
    if (this.#kept) this.#process.kill(this.#process.pid, this.#kept)
  }

  readonly #receive = (signal: NodeJS.Signals): void => {
    const name = signal as StopSignal
    this.hasCome = true
    if (this.#listeners.some((one) => one.name === name)) this.#tell(name)
    else this.#kept ??= name
  }

  #tell(name: StopSignal): void {
    for (const one of this.#listeners.filter((each) => each.name === name)) one.listener()
  }

  #unwatch(): void {
    for (const name of names) this.#process.off(name, this.#receive)
  }
}

/** Twice as many as the program opens at once while it starts: some are left for connections. */
const NEEDED_FILES = 256

/** Enough for some thousand connections. */
const ADVISED_FILES = 4_096

/** What is wrong with the number of files that this process may have open; undefined where nothing is. */
export function openFilesProblem(allowed = allowedFiles()): string | undefined {
  if (allowed >= NEEDED_FILES) return undefined
  return (
    `Could not start: this process may have only ${allowed} files open, and needs at least ${NEEDED_FILES}. ` +
    `Raise the limit (ulimit -n ${ADVISED_FILES}; in a container --ulimit nofile=${ADVISED_FILES}), and start again.`
  )
}

/** Node raises the limit of a process to the hard one before this runs. */
function allowedFiles(): number {
  if (process.platform === 'win32') return Infinity
  try {
    const limit = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return limit === undefined ? Infinity : Number(limit)
  } catch {
    // Other systems have no such file; a report takes twenty milliseconds without the addresses of the network.
    Object.assign(process.report, { excludeNetwork: true })
    const { userLimits } = process.report.getReport() as {
      readonly userLimits?: { readonly open_files?: { readonly soft?: number | 'unlimited' } }
    }
    const limit = userLimits?.open_files?.soft
    return typeof limit === 'number' ? limit : Infinity
  }
}
