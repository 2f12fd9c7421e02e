import type { CallNote, EndNote, JournalBook } from '../../journal/call-note.ts'
import { type JournalMethods, sentCall } from './journal-messages.ts'
import { monotonicOffsetMs } from '../../lib/machine-time.ts'
import type { Peer } from '../../shared/rpc/peer.ts'

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
    const offsetMs = this.#offsetMs
    const { startedMs } = note
    const plannedMs = performance.now() + offsetMs
    this.#primary.tell('journal.planned', [number, plannedMs, sentCall(note, offsetMs)])
    return (end) => {
      const endedMs = Math.max(startedMs + end.answeredMs + offsetMs, plannedMs)
      this.#primary.tell('journal.ended', [number, endedMs, end])
    }
  }
}
