import type { SlotAuthority, SlotHolder } from '../../latency/slot-authority.ts'
import type { Clock } from '../../lib/clock.ts'
import type { SlotMethods } from './slot-messages.ts'

/** Answers what one worker asks the slots, and gives back what the worker held when it is gone. */
export class SlotDesk {
  readonly #slots: SlotAuthority
  readonly #clock: Clock
  readonly #holders = new Map<number, Holder>()

  constructor(slots: SlotAuthority, clock: Clock) {
    this.#slots = slots
    this.#clock = clock
  }

  readonly methods: SlotMethods = {
    'slots.take': ([number, resource, deployment, concurrency, timeScale]) => {
      const holder = new Holder(this.#clock)
      this.#holders.set(number, holder)
      return this.#slots.take(
        { resource, deployment, concurrency: concurrency ?? undefined, timeScale },
        holder,
      )
    },
    'slots.end': (number) => {
      this.#holders.get(number)?.end()
      this.#holders.delete(number)
    },
  }

  /** The worker is gone: its requests work and wait no longer. */
  release(): void {
    for (const holder of this.#holders.values()) holder.end()
    this.#holders.clear()
  }
}

/** A request of a worker. */
class Holder implements SlotHolder {
  readonly clock: Clock
  #listeners: (() => void)[] = []
  #ended = false

  constructor(clock: Clock) {
    this.clock = clock
  }

  onEnd(listener: () => void): void {
    if (this.#ended) listener()
    else this.#listeners.push(listener)
  }

  end(): void {
    this.#ended = true
    for (const listener of this.#listeners.splice(0)) listener()
  }
}
