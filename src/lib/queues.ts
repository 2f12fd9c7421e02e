import type { StopTimer } from './clock.ts'

interface Entry {
  task: (() => void) | undefined
}

/**
 * Tasks by due time, grouped in ticks. The tasks of one tick share a list and a timer, so thousands of paced streams need as
 * many timers as one. Adding and removing are O(1), except for the first task of a tick, which is O(log n) in the number of
 * ticks.
 */
export class DueQueue {
  readonly #tickMs: number
  readonly #entries = new Map<number, Entry[]>()
  /** The ticks with entries: a binary min-heap. */
  readonly #ticks: number[] = []
  #waiting = 0

  /** @param tickMs width of a tick. A task runs at the end of the tick of its due time, never early. */
  constructor(tickMs: number) {
    this.#tickMs = tickMs
  }

  add(dueMs: number, task: () => void): StopTimer {
    const tick = Math.ceil(dueMs / this.#tickMs)
    const entry: Entry = { task }
    this.#waiting++
    const entries = this.#entries.get(tick)
    if (entries) {
      entries.push(entry)
    } else {
      this.#entries.set(tick, [entry])
      this.#pushTick(tick)
    }
    return () => {
      if (entry.task) this.#waiting--
      // Frees what the task closes over before its tick, such as a client that has disconnected.
      entry.task = undefined
    }
  }

  /** Whether no task is waiting. Ticks with only stopped tasks may remain. */
  get isIdle(): boolean {
    return this.#waiting === 0
  }

  /** When the next tick ends; undefined if the queue has no tick. */
  nextDueMs(): number | undefined {
    const tick = this.#ticks[0]
    return tick === undefined ? undefined : tick * this.#tickMs
  }

  /** Removes the first tick and runs its tasks in the order in which they were added. */
  runFirst(): void {
    const tick = this.#popTick()
    if (tick === undefined) return
    const entries = this.#entries.get(tick) ?? []
    this.#entries.delete(tick)
    for (const entry of entries) {
      const { task } = entry
      if (!task) continue
      entry.task = undefined
      this.#waiting--
      task()
    }
  }

  #pushTick(tick: number): void {
    const heap = this.#ticks
    let index = heap.push(tick) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = heap[parent] ?? tick
      if (above <= tick) break
      heap[index] = above
      index = parent
    }
    heap[index] = tick
  }

  #popTick(): number | undefined {
    const heap = this.#ticks
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let index = 0
    for (;;) {
      const left = 2 * index + 1
      if (left >= heap.length) break
      const right = left + 1
      const leftTick = heap[left] ?? last
      const rightTick = heap[right] ?? Infinity
      const child = rightTick < leftTick ? right : left
      const below = Math.min(leftTick, rightTick)
      if (last <= below) break
      heap[index] = below
      index = child
    }
    heap[index] = last
    return first
  }
}

/**
 * Collects items and handles them one right after another. That keeps the code and data of one kind of work in the processor's
 * caches.
 */
export class Batch<Item> {
  readonly #defer: (run: () => void) => void
  readonly #handle: (item: Item) => void
  readonly #maxItems: number
  #items: Item[] = []

  /**
   * @param defer schedules the handling: `defer`, which runs after all sockets have been read, or `nextTick`
   * @param handle must not throw
   * @param maxItems number of items at which they are handled immediately
   */
  constructor(defer: (run: () => void) => void, handle: (item: Item) => void, maxItems = Infinity) {
    this.#defer = defer
    this.#handle = handle
    this.#maxItems = maxItems
  }

  add(item: Item): void {
    if (this.#items.length === 0) this.#defer(this.#run)
    this.#items.push(item)
    if (this.#items.length >= this.#maxItems) this.#run()
  }

  readonly #run = (): void => {
    const items = this.#items
    this.#items = []
    for (const item of items) this.#handle(item)
  }
}

/** Runs asynchronous tasks one after another, in the order in which they were added. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve()

  /** Resolves or rejects as the task does. A task that fails does not stop the next one. */
  run<T>(task: () => T | PromiseLike<T>): Promise<T> {
    const done = this.#last.then(task)
    this.#last = done.catch(() => {})
    return done
  }
}

/** Maps items with an asynchronous function, `size` items at the same time. Keeps their order. */
export async function mapInBatches<T, R>(
  items: readonly T[],
  size: number,
  map: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  for (let from = 0; from < items.length; from += size) {
    results.push(...(await Promise.all(items.slice(from, from + size).map(map))))
  }
  return results
}
