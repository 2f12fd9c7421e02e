import { write } from 'node:fs'
import { clearTimeout, setTimeout } from './real-timers.ts'

/** Writes text and calls back when it is written or has failed. */
export type WriteText = (text: string, done: (error: unknown) => void) => void

/** How long lines are collected before they are written. */
const FLUSH_DELAY_MS = 50
const MAX_PENDING_CHARACTERS = 1024 * 1024
/** Delay before a write is repeated that failed with EAGAIN. */
const RETRY_DELAY_MS = 20

/** Writes lines in batches without blocking. If the output is too slow, lines are dropped, and a line with their number is written. */
export class LineWriter {
  readonly #write: WriteText
  #lines: string[] = []
  #pendingCharacters = 0
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
    if (this.#pendingCharacters + line.length > MAX_PENDING_CHARACTERS) {
      this.#dropped++
      return
    }
    this.#lines.push(line)
    this.#pendingCharacters += line.length
    if (!this.#isBusy) this.#timer ??= setTimeout(() => this.#send(), FLUSH_DELAY_MS).unref()
  }

  /** Resolves when all lines are written, or after `limitMs`. */
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
      // A batch counts as pending until it is written.
      this.#pendingCharacters = this.#lines.reduce((sum, { length }) => sum + length, 0)
      // The output is closed, such as a pipe without a reader.
      if (error) this.#isBroken = true
      if (this.#isBroken) this.#lines = []
      this.#send()
    })
  }
}

/** Writes to a file descriptor without blocking the process, also to a terminal or a pipe that is not read. */
export function writeToDescriptor(fd: number): WriteText {
  return (text, done) => {
    const bytes = Buffer.from(text)
    const from = (offset: number): void =>
      write(fd, bytes, offset, (error, written) => {
        if (error?.code === 'EAGAIN') setTimeout(() => from(offset), RETRY_DELAY_MS).unref()
        else if (error) done(error)
        else if (offset + written < bytes.length) from(offset + written)
        else done(undefined)
      })
    from(0)
  }
}
