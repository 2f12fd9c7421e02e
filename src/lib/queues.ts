import type { StopTimer } from './clock.ts'

interface Entry {
  task: (() => void) | undefined
}

/**
 * Tasks by due time, gathered in ticks: all that falls into one tick shares one list and one wake-up, so thousands
 * of paced streams cost no more timers than one. Adding and taking are O(1) but for the first task of a tick,
 * which costs a step in a heap of ticks.
 */
export class DueQueue {
  readonly #tickMs: number
  readonly #entries = new Map<number, Entry[]>()
  /** The ticks that have entries, as a binary min-heap. */
  readonly #ticks: number[] = []
  #waiting = 0

  /** @param tickMs width of a tick; a task runs at the end of the tick that its due time falls into, never early */
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
      // What the task closes over (a client that has left) must not stay until the tick comes.
      entry.task = undefined
    }
  }

  /** Whether no task waits; a tick whose tasks have all been stopped may still come. */
  get isIdle(): boolean {
    return this.#waiting === 0
  }

  /** When the next tasks are due; undefined when there are none. */
  nextDueMs(): number | undefined {
    const tick = this.#ticks[0]
    return tick === undefined ? undefined : tick * this.#tickMs
  }

  /** Removes the tasks of the first tick and runs them in the order in which they were added. */
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
 * Collects what comes up in one go and then handles it in a row: code and data of one kind of work stay in the caches of the
 * processor, and what a first piece of work sets off serves the others.
 */
export class Batch<Item> {
  readonly #defer: (run: () => void) => void
  readonly #handle: (item: Item) => void
  readonly #most: number
  #items: Item[] = []

  /**
   * @param defer calls back when the go is over: `defer`, once all sockets have been read, or `nextTick`
   * @param handle must not throw
   * @param most at so many items nobody waits any longer
   */
  constructor(defer: (run: () => void) => void, handle: (item: Item) => void, most = Infinity) {
    this.#defer = defer
    this.#handle = handle
    this.#most = most
  }

  add(item: Item): void {
    if (this.#items.length === 0) this.#defer(this.#run)
    this.#items.push(item)
    if (this.#items.length >= this.#most) this.#run()
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

  /** Resolves when all tasks that were added so far have ended. */
  async idle(): Promise<void> {
    await this.#last
  }
}
