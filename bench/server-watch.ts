import type { ChildProcess } from 'node:child_process'
import { collectedMb, openDescriptors, residentMb } from './process-facts.ts'
import type { Series } from './statistics.ts'

const sampleMs = 1_000

/** Measures the memory of a process: every second, and on request after a garbage collection. */
export class MemoryWatch {
  readonly #pid: number
  readonly #startMs = performance.now()
  readonly #timer: NodeJS.Timeout
  readonly #collected: Promise<readonly [seconds: number, mb: number]>[] = []
  #lastMb = NaN
  #highestMb = 0

  constructor(pid: number) {
    this.#pid = pid
    this.#timer = setInterval(() => this.#look(), sampleMs)
  }

  /** Resident MB at the last measurement. */
  get lastMb(): number {
    return this.#lastMb
  }

  /** Maximum resident MB. */
  get highestMb(): number {
    return this.#highestMb
  }

  /** Triggers a garbage collection, and stores the resident memory after it. */
  collect(): void {
    const seconds = (performance.now() - this.#startMs) / 1_000
    const measured = collectedMb(this.#pid).then((mb) => [seconds, mb] as const)
    measured.catch(() => {}) // Reported by `collected`.
    this.#collected.push(measured)
  }

  /** Seconds since the start of the watch, and resident MB after each collection. */
  collected(): Promise<Series> {
    return Promise.all(this.#collected)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    try {
      this.#lastMb = residentMb(this.#pid)
      this.#highestMb = Math.max(this.#highestMb, this.#lastMb)
    } catch {
      this.stop() // The process has exited. Its owner detects that.
    }
  }
}

/** Waits until the number of open descriptors has dropped to `wanted`, up to a time limit. Returns the number. */
export async function descriptorsBackTo(pid: number, wanted: number, seconds: number): Promise<number> {
  const giveUpMs = performance.now() + seconds * 1_000
  while (openDescriptors(pid) > wanted && performance.now() < giveUpMs) {
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  return openDescriptors(pid)
}

/** Collects standard error of a server: the log, and warnings and errors of Node.js. */
export function collectErrors(child: ChildProcess): { readonly lines: readonly string[] } {
  const lines: string[] = []
  let rest = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts)
  })
  child.once('exit', (code, signal) => {
    if (signal !== 'SIGKILL')
      lines.push(`The simulator exited unexpectedly (${signal ?? `exit code ${code}`}).`)
  })
  return { lines }
}
