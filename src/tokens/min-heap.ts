/** A binary heap of numbers that gives the smallest first. `capacity` bounds how many it holds at a time. */
export class MinHeap {
  readonly #items: Float64Array
  #size = 0

  constructor(capacity: number) {
    this.#items = new Float64Array(capacity)
  }

  /** Adds a number in O(log n). */
  push(item: number): void {
    const items = this.#items
    let at = this.#size++
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = items[parent] as number
      if (above <= item) break
      items[at] = above
      at = parent
    }
    items[at] = item
  }

  /** Takes out the smallest number in O(log n), `undefined` when the heap is empty. */
  pop(): number | undefined {
    if (this.#size === 0) return undefined
    const items = this.#items
    const smallest = items[0]
    const size = --this.#size
    const item = items[size] as number
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= size) break
      if (child + 1 < size && (items[child + 1] as number) < (items[child] as number)) child++
      const below = items[child] as number
      if (below >= item) break
      items[at] = below
      at = child
    }
    items[at] = item
    return smallest
  }
}
