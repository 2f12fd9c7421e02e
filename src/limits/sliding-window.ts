/** Width of a bucket: how exactly a window knows when something happened. */
export const bucketMs = 100

/** Names what was added to a window at one time, so that it can be corrected later: the bucket's number. */
export type Receipt = number

/**
 * A sum over the last `windowMs`, kept in a ring of 100 ms buckets: bounded memory and a constant cost a call, however
 * many calls there are. What was added leaves up to 99 ms early and never late, so that a client that waits for the
 * whole window is never refused. All amounts should be integers, so that the sum stays exact.
 */
export class SlidingWindow {
  readonly windowMs: number
  readonly #buckets: Float64Array
  #newest = 0
  #sum = 0

  /** @param windowMs a multiple of `bucketMs` */
  constructor(windowMs: number) {
    this.windowMs = windowMs
    this.#buckets = new Float64Array(windowMs / bucketMs)
  }

  /** The sum of what was added within the window that ends at `nowMs`. */
  used(nowMs: number): number {
    this.#advance(nowMs)
    return this.#sum
  }

  /** Adds an amount at `nowMs`; a time before that of an earlier call counts as that one. */
  add(nowMs: number, amount: number): Receipt {
    this.#advance(nowMs)
    this.#change(this.#newest, amount)
    return this.#newest
  }

  /** Changes what was added, down to nothing at most. Does nothing once it has left the window. */
  correct(receipt: Receipt, delta: number): void {
    const age = this.#newest - receipt
    if (age < 0 || age >= this.#buckets.length) return
    this.#change(receipt, Math.max(delta, -this.#at(receipt)))
  }

  /**
   * The earliest time at which `amount` fits below `limit` if nothing else is added: `nowMs` when it fits at once,
   * Infinity when it is larger than the limit. Walks the buckets, so call it for refusals only.
   */
  freeAtMs(nowMs: number, amount: number, limit: number): number {
    if (amount > limit) return Infinity
    this.#advance(nowMs)
    let excess = this.#sum + amount - limit
    if (excess <= 0) return nowMs
    const { length } = this.#buckets
    let tick = this.#newest - length
    while (excess > 0 && tick < this.#newest) excess -= this.#at(++tick)
    return (tick + length) * bucketMs
  }

  /** A window of another length with all that is still in this one and fits the new length; receipts stay valid. */
  resized(windowMs: number): SlidingWindow {
    const window = new SlidingWindow(windowMs)
    window.#newest = this.#newest
    const kept = Math.min(this.#buckets.length, window.#buckets.length)
    for (let age = 0; age < kept; age++) window.#change(this.#newest - age, this.#at(this.#newest - age))
    return window
  }

  #advance(nowMs: number): void {
    const tick = Math.floor(nowMs / bucketMs)
    if (tick <= this.#newest) return
    if (tick - this.#newest >= this.#buckets.length) {
      this.#buckets.fill(0)
      this.#sum = 0
      this.#newest = tick
      return
    }
    while (this.#newest < tick) {
      this.#newest++
      this.#change(this.#newest, -this.#at(this.#newest))
    }
  }

  #at(tick: number): number {
    return this.#buckets[this.#index(tick)] ?? 0
  }

  #change(tick: number, delta: number): void {
    const index = this.#index(tick)
    this.#buckets[index] = (this.#buckets[index] ?? 0) + delta
    this.#sum += delta
  }

  /** Right after the start a window reaches back before time zero. */
  #index(tick: number): number {
    const { length } = this.#buckets
    return ((tick % length) + length) % length
  }
}
