import type { Signals, StopSignal } from './cli-host.ts'

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
