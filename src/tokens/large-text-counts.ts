/** How many large texts wait to be asked for; the oldest give way, and are then counted in one go. */
const maxKept = 256

/**
 * Counts of texts that are too large to be counted in one go. They are counted slice by slice before they are needed,
 * so that other requests have their turn in between, and lie here until whoever brought them asks.
 */
export class LargeTextCounts {
  readonly #counts = new Map<string, { readonly tokens: number; uses: number }>()

  /** Keeps a count for one more question. */
  keep(text: string, tokens: number): void {
    const known = this.#counts.get(text)
    if (known) known.uses++
    else this.#counts.set(text, { tokens, uses: 1 })
    const [oldest] = this.#counts.keys()
    if (this.#counts.size > maxKept && oldest !== undefined) this.#counts.delete(oldest)
  }

  /** Gives a count, and forgets it when it was kept for nobody else. */
  take(text: string): number | undefined {
    const known = this.#counts.get(text)
    if (known && --known.uses === 0) this.#counts.delete(text)
    return known?.tokens
  }
}
