import { type MemoryBudget, uncountedBytes } from '../lib/memory-budget.ts'

const empty = Buffer.alloc(0)

/**
 * The bytes of a body while it arrives. A client may send it byte by byte, and each part has a few hundred bytes of its
 * own in Node: so parts are copied together, into memory that at least doubles when it is full.
 */
export class BodyBytes {
  readonly #mostBytes: number
  readonly #room: MemoryBudget | undefined
  #bytes: Buffer = empty
  #length = 0
  #takenBytes = 0

  /**
   * @param mostBytes the length that was announced, or else the limit
   * @param room what large bodies share; absent: nothing
   */
  constructor(mostBytes: number, room: MemoryBudget | undefined) {
    this.#mostBytes = mostBytes
    this.#room = room
  }

  /** Adds a part; false where there is no room for it. */
  add(part: Uint8Array): boolean {
    const length = this.#length + part.byteLength
    if (this.#length === 0) {
      // Most bodies come as one part, which needs no copy.
      if (length > uncountedBytes && !this.#take(length)) return false
      this.#bytes = Buffer.isBuffer(part) ? part : Buffer.from(part.buffer, part.byteOffset, part.byteLength)
    } else {
      if (length > this.#bytes.length && !this.#grow(length)) return false
      this.#bytes.set(part, this.#length)
    }
    this.#length = length
    return true
  }

  /** What has arrived. */
  get bytes(): Buffer {
    return this.#bytes.length === this.#length ? this.#bytes : this.#bytes.subarray(0, this.#length)
  }

  /** The shared room that is taken, in bytes. */
  get takenBytes(): number {
    return this.#takenBytes
  }

  /** What gives the room back, once; undefined where none is taken. */
  get release(): (() => void) | undefined {
    return this.#takenBytes === 0 ? undefined : () => this.drop()
  }

  /** Gives the room back, and forgets the bytes. */
  drop(): void {
    this.#room?.give(this.#takenBytes)
    this.#takenBytes = 0
    this.#bytes = empty
    this.#length = 0
  }

  #grow(neededBytes: number): boolean {
    const roomy = Math.max(uncountedBytes, 2 * neededBytes)
    const capacity = Math.max(neededBytes, Math.min(roomy, this.#mostBytes))
    if (capacity > uncountedBytes && !this.#take(capacity)) return false
    const grown = Buffer.allocUnsafeSlow(capacity)
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
    return true
  }

  #take(bytes: number): boolean {
    if (this.#room && !this.#room.take(bytes - this.#takenBytes)) return false
    this.#takenBytes = bytes
    return true
  }
}
