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
