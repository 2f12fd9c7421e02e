import { closeSync, readSync } from 'node:fs'
import { openRegularFile } from '../lib/regular-file.ts'

/** How much is read at a time. Larger pieces were no faster; smaller ones cost calls. */
const PIECE_BYTES = 1024 * 1024

/** What is in memory is copied for each piece, so that pieces grow, and memory is bounded. */
const MAX_PIECE_BYTES = 16 * 1024 * 1024

/** A file that is read from front to back, of which only a part is in memory. */
export class FileWindow {
  readonly #descriptor: number
  /** Of the file, in bytes, when it was opened. */
  readonly size: number
  #bytes = Buffer.alloc(0)
  /** Where in the file the bytes in memory begin. */
  #offset = 0
  #atEnd = false

  /** @throws the error of node:fs, or one of its form, for what is no regular file or cannot be opened */
  constructor(path: string) {
    const { descriptor, size } = openRegularFile(path)
    this.#descriptor = descriptor
    this.size = size
  }

  /** What is in memory, from `offset` on. */
  get bytes(): Buffer {
    return this.#bytes
  }

  /** Where in the file `bytes` begins. */
  get offset(): number {
    return this.#offset
  }

  /** Reads a further piece, as long as what is in memory up to 16 MB; false at the end of the file. */
  more(): boolean {
    if (this.#atEnd) return false
    // As much again each time, so that a long item is copied a few times only.
    const piece = Buffer.allocUnsafe(Math.min(MAX_PIECE_BYTES, Math.max(PIECE_BYTES, this.#bytes.length)))
    const length = readSync(this.#descriptor, piece, 0, piece.length, this.#offset + this.#bytes.length)
    if (length === 0) {
      this.#atEnd = true
      return false
    }
    const read = piece.subarray(0, length)
    this.#bytes = this.#bytes.length === 0 ? read : Buffer.concat([this.#bytes, read])
    return true
  }

  /** Forgets the first bytes. */
  drop(count: number): void {
    this.#bytes = this.#bytes.subarray(count)
    this.#offset += count
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}
