import type { CallNote, EndNote, JournalBook } from '../../journal/call-note.ts'
import { type JournalMethods, sentCall } from './journal-messages.ts'
import { monotonicOffsetMs } from './monotonic-offset.ts'
import type { Peer } from './peer.ts'

/** The journal of a worker: the primary keeps it, for a client's retry may come to another worker. */
export class RemoteJournal implements JournalBook {
  readonly #primary: Peer<JournalMethods>
  readonly #offsetMs = monotonicOffsetMs()
  #lastNumber = 0

  constructor(primary: Peer<JournalMethods>) {
    this.#primary = primary
  }

  planned(note: CallNote): (end: EndNote) => void {
    const number = ++this.#lastNumber
    this.#primary.tell('journal.planned', [number, this.#nowMs(), sentCall(note, this.#offsetMs)])
    return (end) => this.#primary.tell('journal.ended', [number, this.#nowMs(), end])
  }

  #nowMs(): number {
    return performance.now() + this.#offsetMs
  }
}
