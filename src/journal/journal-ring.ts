import type { JournalCall } from './journal-call.ts'

/** Of a longer body only the length is kept: a picture or an audio file says little in a journal. */
export const MAX_BODY_BYTES = 64 * 1024
/** What all bodies together may take; the oldest ones go first. */
const BODIES_BYTES = 64 * 1024 * 1024

/** The last so many requests, by number, with as many of their bodies as there is room for. */
export class JournalRing {
  readonly #size: number
  readonly #calls: JournalCall[] = []
  /** The oldest one that is kept, and the oldest one whose body may be. */
  #firstId = 1
  #firstBodyId = 1
  #nextId = 1
  #usedBytes = 0

  /** @param size requests that are kept, >= 0 */
  constructor(size: number) {
    this.#size = size
  }

  /** The number of the next request: `given`, or one more than the highest so far. */
  takeId(given = this.#nextId): number {
    this.#nextId = Math.max(this.#nextId, given + 1)
    return given
  }

  /** Keeps a request in the place of the oldest one. One that comes after so many later ones is not kept. */
  add(call: JournalCall): void {
    if (this.#size === 0 || call.id < this.#firstId) return
    const slot = call.id % this.#size
    const oldest = this.#calls[slot]
    if (oldest) this.#dropBody(oldest)
    this.#calls[slot] = call
    this.#firstId = Math.max(this.#firstId, call.id - this.#size + 1)
    this.#firstBodyId = Math.max(this.#firstBodyId, this.#firstId)
    if (call.bodyBytes > MAX_BODY_BYTES) call.body = undefined
    this.#usedBytes += call.body?.length ?? 0
    while (this.#usedBytes > BODIES_BYTES) {
      const next = this.#calls[this.#firstBodyId++ % this.#size]
      if (next) this.#dropBody(next)
    }
  }

  /** The number of the last request; 0 before the first one. */
  get lastId(): number {
    return this.#nextId - 1
  }

  /** Those after a number that are kept, from the oldest to the youngest. */
  *after(id: number): Generator<JournalCall> {
    for (let next = Math.max(id + 1, this.#firstId); next < this.#nextId; next++) {
      const call = this.#calls[next % this.#size]
      if (call?.id === next) yield call
    }
  }

  /** From the youngest to the oldest. */
  *newestFirst(): Generator<JournalCall> {
    for (let id = this.#nextId - 1; id >= this.#firstId; id--) {
      const call = this.#calls[id % this.#size]
      if (call?.id === id) yield call
    }
  }

  /** Forgets all; numbers go on. */
  clear(): void {
    this.#calls.length = 0
    this.#usedBytes = 0
    this.#firstId = this.#nextId
    this.#firstBodyId = this.#nextId
  }

  #dropBody(call: JournalCall): void {
    this.#usedBytes -= call.body?.length ?? 0
    call.body = undefined
  }
}
