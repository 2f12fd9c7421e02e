import type { Clock, StopTimer } from '../../lib/clock.ts'
import { defer } from '../../lib/real-timers.ts'

/** How long what nobody waits for may be held back, so that it goes out with what somebody waits for. */
const PATIENCE_MS = 5

/**
 * Collects what comes up in one turn of the event loop, by key, so that it goes out in one call for each key: under load many
 * requests are read in one turn, and a call to Redis costs several times what it decides.
 */
export class TickBatcher<Item> {
  readonly #clock: Clock
  readonly #send: (key: string, items: Item[]) => void
  #items = new Map<string, Item[]>()
  #turnEnds = false
  #stopPatience: StopTimer | undefined

  /** @param send is called with all items of a key, in their order */
  constructor(clock: Clock, send: (key: string, items: Item[]) => void) {
    this.#clock = clock
    this.#send = send
  }

  /** @param isWaitedFor false for what may wait some milliseconds for company */
  add(key: string, item: Item, isWaitedFor: boolean): void {
    const items = this.#items.get(key)
    if (items) items.push(item)
    else this.#items.set(key, [item])
    if (this.#turnEnds) return
    if (isWaitedFor) {
      this.#turnEnds = true
      defer(() => this.#flush())
    } else {
      this.#stopPatience ??= this.#clock.at(this.#clock.nowMs() + PATIENCE_MS, () => this.#flush())
    }
  }

  #flush(): void {
    this.#turnEnds = false
    this.#stopPatience?.()
    this.#stopPatience = undefined
    const all = this.#items
    this.#items = new Map()
    for (const [key, items] of all) this.#send(key, items)
  }
}
