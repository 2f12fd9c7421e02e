import { closeSync, openSync, readSync } from 'node:fs'

/** How much is read at a time. Larger pieces were no faster; smaller ones cost calls. */
const pieceBytes = 1024 * 1024

/** A file that is read from front to back, of which only a part is in memory. */
export class FileWindow {
  readonly #descriptor: number
  #bytes = Buffer.alloc(0)
  /** Where in the file the bytes in memory begin. */
  #offset = 0
  #atEnd = false

  /** @throws the error of node:fs for a file that cannot be opened */
  constructor(path: string) {
    this.#descriptor = openSync(path, 'r')
  }

  /** What is in memory, from `offset` on. */
  get bytes(): Buffer {
    return this.#bytes
  }

  /** Where in the file `bytes` begins. */
  get offset(): number {
    return this.#offset
  }

  /** Reads a further piece, at least as long as what is in memory; false at the end of the file. */
  more(): boolean {
    if (this.#atEnd) return false
    // As much again each time, so that a long item is copied a few times only.
    const piece = Buffer.allocUnsafe(Math.max(pieceBytes, this.#bytes.length))
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
