import type { Clock, StopTimer } from '../../lib/clock.ts'
import { defer } from '../../lib/real-timers.ts'

/** Limit for the items of one call to a script. More would block Redis, and so all its clients, for more than a millisecond. */
export const MAX_ITEMS_PER_CALL = 500

/** Maximum delay of items that are not urgent. They are sent earlier together with urgent ones. */
const MAX_DELAY_MS = 5

/**
 * Collects the items of one event-loop iteration and sends them in one call for each key. Under load one iteration reads many
 * requests, and a call to Redis costs several times as much as one decision in it.
 */
export class TickBatcher<Item> {
  readonly #clock: Clock
  readonly #send: (key: string, items: Item[]) => void
  #items = new Map<string, Item[]>()
  #isFlushScheduled = false
  #stopTimer: StopTimer | undefined

  /** @param send is called with all items of a key, in their order */
  constructor(clock: Clock, send: (key: string, items: Item[]) => void) {
    this.#clock = clock
    this.#send = send
  }

  /** @param isUrgent false if the item may be delayed by some milliseconds to be sent with others */
  add(key: string, item: Item, isUrgent: boolean): void {
    const items = this.#items.get(key)
    if (items) items.push(item)
    else this.#items.set(key, [item])
    if (this.#isFlushScheduled) return
    if (isUrgent) {
      this.#isFlushScheduled = true
      defer(() => this.#flush())
    } else {
      this.#stopTimer ??= this.#clock.at(this.#clock.nowMs() + MAX_DELAY_MS, () => this.#flush())
    }
  }

  #flush(): void {
    this.#isFlushScheduled = false
    this.#stopTimer?.()
    this.#stopTimer = undefined
    const all = this.#items
    this.#items = new Map()
    for (const [key, items] of all) this.#send(key, items)
  }
}
