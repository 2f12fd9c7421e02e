import { fileState } from '../recordings/file-state.ts'
import { clearTimeout, setTimeout } from '../lib/real-timers.ts'

/** How long a file must stay the same until its writing counts as done, in milliseconds. */
export const DEFAULT_QUIET_MS = 100

/** So many times more for a file that is gone: programs that write by removing and making anew take a moment. */
const GONE_TIMES = 5

/** So many times others wait for a file that is written all the time. */
const PATIENCE = 20

interface Unsettled {
  /** Undefined before the first look; `gone` for a file that is not there. */
  stamp: string | undefined
  quiet: number
}

/** Collects paths that have changed until their writing is done, and reports together what changed together. */
export class Settle {
  readonly #quietMs: number
  readonly #onSettled: (paths: readonly string[]) => Promise<void>
  readonly #paths = new Map<string, Unsettled>()
  #timer: NodeJS.Timeout | undefined
  #looks = 0
  #running: Promise<void> = Promise.resolve()
  #isClosed = false

  /** @param onSettled must not reject; it is not called again before it has ended */
  constructor(quietMs: number, onSettled: (paths: readonly string[]) => Promise<void>) {
    this.#quietMs = quietMs
    this.#onSettled = onSettled
  }

  /** Notes that a path may have changed. */
  note(path: string): void {
    if (this.#isClosed) return
    if (!this.#paths.has(path)) this.#paths.set(path, { stamp: undefined, quiet: 0 })
    this.#arm()
  }

  /** Reports nothing more; ends when the report that is under way has ended. */
  close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    return this.#running
  }

  #arm(): void {
    this.#timer ??= setTimeout(() => {
      this.#running = this.#look().finally(() => {
        this.#timer = undefined
        if (this.#paths.size > 0 && !this.#isClosed) this.#arm()
      })
    }, this.#quietMs)
  }

  async #look(): Promise<void> {
    const settled: string[] = []
    for (const [path, unsettled] of this.#paths) {
      const stamp = await stampOf(path)
      unsettled.quiet = stamp === unsettled.stamp ? unsettled.quiet + 1 : 0
      unsettled.stamp = stamp
      if (unsettled.quiet >= (stamp === 'gone' ? GONE_TIMES : 1)) settled.push(path)
    }
    this.#looks++
    const isDone = settled.length === this.#paths.size || (settled.length > 0 && this.#looks >= PATIENCE)
    if (!isDone || this.#isClosed) return
    this.#looks = 0
    for (const path of settled) this.#paths.delete(path)
    await this.#onSettled(settled.sort())
  }
}

async function stampOf(path: string): Promise<string> {
  try {
    return (await fileState(path))?.stamp ?? 'gone'
  } catch {
    return 'unreadable'
  }
}
