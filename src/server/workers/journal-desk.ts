import type { EndNote, JournalBook } from '../../journal/call-note.ts'
import type { InOrder } from '../../shared/rpc/reorder-buffer.ts'
import { type JournalMethods, receivedCall } from './journal-messages.ts'
import { monotonicOffsetMs } from '../../lib/machine-time.ts'

interface OpenCall {
  readonly startedMs: number
  readonly end: (end: EndNote) => void
}

/** Notes what one worker tells of its requests. */
export class JournalDesk {
  readonly #journal: JournalBook
  readonly #inOrder: InOrder
  readonly #offsetMs = monotonicOffsetMs()
  readonly #open = new Map<number, OpenCall>()

  /** @param inOrder that of all workers */
  constructor(journal: JournalBook, inOrder: InOrder) {
    this.#journal = journal
    this.#inOrder = inOrder
  }

  readonly methods: JournalMethods = {
    'journal.planned': ([number, atMs, sent]) =>
      this.#inOrder.add(atMs, () => {
        const call = receivedCall(sent, this.#offsetMs)
        this.#open.set(number, { startedMs: call.startedMs, end: this.#journal.planned(call) })
      }),
    'journal.ended': ([number, atMs, end]) =>
      this.#inOrder.add(atMs, () => {
        this.#open.get(number)?.end(end)
        this.#open.delete(number)
      }),
  }

  /** The worker is gone: the connections of its clients broke. */
  release(): void {
    this.#inOrder.add(performance.now() + this.#offsetMs, () => {
      for (const { startedMs, end } of this.#open.values()) {
        const durationMs = performance.now() - startedMs
        const nothing = { firstByteMs: undefined, usage: undefined, failure: undefined }
        end({ ...nothing, aborted: true, durationMs, answeredMs: durationMs })
      }
      this.#open.clear()
    })
  }
}
