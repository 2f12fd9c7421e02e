import type { ChildProcess } from 'node:child_process'
import { collectedMb, openDescriptors, residentMb } from './process-facts.ts'
import type { Series } from './statistics.ts'

const sampleMs = 1_000

/** Looks at how much memory a process has: each second as it is, and when asked to after a collection of garbage. */
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

  /** Resident MB when it was last looked at. */
  get lastMb(): number {
    return this.#lastMb
  }

  /** The most that was seen, in resident MB. */
  get highestMb(): number {
    return this.#highestMb
  }

  /** Has garbage collected, and notes what is resident then. */
  collect(): void {
    const seconds = (performance.now() - this.#startMs) / 1_000
    const noted = collectedMb(this.#pid).then((mb) => [seconds, mb] as const)
    noted.catch(() => {}) // Told by `collected`.
    this.#collected.push(noted)
  }

  /** Seconds since the watch began, and resident MB after each collection. */
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
      this.stop() // It has ended, which its owner finds out by itself.
    }
  }
}

/** The count of open descriptors once it is back to a number, or what it is after some seconds. */
export async function descriptorsBackTo(pid: number, wanted: number, seconds: number): Promise<number> {
  const giveUpMs = performance.now() + seconds * 1_000
  while (openDescriptors(pid) > wanted && performance.now() < giveUpMs) {
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  return openDescriptors(pid)
}

/** Collects what a server writes to standard error: the log, and what Node.js says when something is badly wrong. */
export function collectErrors(child: ChildProcess): { readonly lines: readonly string[] } {
  const lines: string[] = []
  let rest = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts)
  })
  child.once('exit', (code, signal) => {
    if (signal !== 'SIGKILL') lines.push(`The simulator ended by itself (${signal ?? `exit code ${code}`}).`)
  })
  return { lines }
}
