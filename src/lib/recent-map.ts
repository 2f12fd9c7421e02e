/**
 * A map that remembers what was used lately, in bounded room: two generations, of which the older one is
 * dropped when the younger is full. Nearly as fast as a Map, where a list in order of use would cost more
 * than it saves.
 */
export class RecentMap<Key, Value> {
  readonly #room: number
  readonly #weigh: (value: Value) => number
  #young = new Map<Key, Value>()
  #old = new Map<Key, Value>()
  #used = 0

  /**
   * `room` is what one generation holds, so that the whole is bounded by twice as much. It counts entries, or
   * else what `weigh` says of their values.
   */
  constructor(room: number, weigh: (value: Value) => number = () => 1) {
    this.#room = room
    this.#weigh = weigh
  }

  /** How many entries there are; one in both generations counts twice. */
  get size(): number {
    return this.#young.size + this.#old.size
  }

  /** What was set under this key, unless it was not used for long. */
  get(key: Key): Value | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  /** Forgets everything. */
  clear(): void {
    this.#young = new Map()
    this.#old = new Map()
    this.#used = 0
  }

  /** Remembers a value, if a generation has room for it at all. */
  set(key: Key, value: Value): void {
    const weight = this.#weigh(value)
    if (weight > this.#room) return
    if (this.#used + weight > this.#room) {
      this.#old = this.#young
      this.#young = new Map()
      this.#used = 0
    }
    this.#young.set(key, value)
    this.#used += weight
  }
}
