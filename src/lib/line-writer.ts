import { write } from 'node:fs'
import { clearTimeout, setTimeout } from './real-timers.ts'

/** Writes text, and calls back when it is out or cannot be written. */
export type WriteText = (text: string, done: (error: unknown) => void) => void

/** How long lines are gathered before they are written, in milliseconds. */
const GATHER_MS = 50
/** Most characters that wait to be written. */
const MAX_WAITING = 1024 * 1024
/** How soon a descriptor is tried again that takes nothing at the moment, in milliseconds. */
const RETRY_MS = 20

/**
 * Writes lines together, and never waits for them: where the output does not keep up, lines are dropped, and a line says how
 * many.
 */
export class LineWriter {
  readonly #write: WriteText
  #lines: string[] = []
  #waiting = 0
  #dropped = 0
  #isBusy = false
  #isBroken = false
  #timer: NodeJS.Timeout | undefined
  #onIdle: (() => void) | undefined

  constructor(writeText: WriteText) {
    this.#write = writeText
  }

  /** Adds a line, with its line feed. */
  add(line: string): void {
    if (this.#isBroken) return
    if (this.#waiting + line.length > MAX_WAITING) {
      this.#dropped++
      return
    }
    this.#lines.push(line)
    this.#waiting += line.length
    if (!this.#isBusy) this.#timer ??= setTimeout(() => this.#send(), GATHER_MS).unref()
  }

  /** Resolves when all is written, or after `limitMs`. */
  async flush(limitMs: number): Promise<void> {
    if (this.#lines.length === 0 && !this.#isBusy) return
    await new Promise<void>((resolve) => {
      const limit = setTimeout(resolve, limitMs)
      this.#onIdle = () => {
        clearTimeout(limit)
        resolve()
      }
      if (!this.#isBusy) this.#send()
    })
  }

  #send(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#lines.length === 0) {
      this.#onIdle?.()
      return
    }
    const dropped =
      this.#dropped === 0 ? '' : `${this.#dropped} lines were dropped: the output does not keep up.\n`
    const text = this.#lines.join('') + dropped
    this.#lines = []
    this.#dropped = 0
    this.#isBusy = true
    this.#write(text, (error) => {
      this.#isBusy = false
      // What is written counts as waiting until it is out.
      this.#waiting = this.#lines.reduce((sum, { length }) => sum + length, 0)
      // Whoever read the output has gone.
      if (error) this.#isBroken = true
      if (this.#isBroken) this.#lines = []
      this.#send()
    })
  }
}

/** Writes to a descriptor without holding up the process, whether it is a file, a terminal or a pipe that nobody reads. */
export function writeToDescriptor(fd: number): WriteText {
  return (text, done) => {
    const bytes = Buffer.from(text)
    const from = (offset: number): void =>
      write(fd, bytes, offset, (error, written) => {
        if (error?.code === 'EAGAIN') setTimeout(() => from(offset), RETRY_MS).unref()
        else if (error) done(error)
        else if (offset + written < bytes.length) from(offset + written)
        else done(undefined)
      })
    from(0)
  }
}
