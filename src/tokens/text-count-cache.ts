import { RecentMap } from '../platform/recent-map.ts'

/** Half of what the texts of an encoding may take, since there are two generations: 16 MiB in all. */
const GENERATION_BYTES = 8 * 1024 * 1024

/** What an entry takes besides the characters of its text, rounded up. */
const ENTRY_BYTES = 200

/**
 * Longer texts are not kept (500,000 characters, some 125,000 tokens), lest a few of them throw out all the
 * others.
 */
const LONGEST_TEXT = 500_000

/** How many characters of a text are read, evenly spread, to find it. */
const SAMPLES = 64

/** How many hashes of texts seen once are remembered. */
const SEEN_ONCE = 4096

interface CountedText {
  readonly text: string
  readonly tokens: number
}

/**
 * Token counts of whole texts, for what comes with every request. A text is found by its length and 64 of its
 * characters, then compared as a whole. A Map from text to count would hash all of it, as each request brings
 * a new string: measured 0.8 us for 600 characters and 2.5 us for 2,000, against 0.3 and 0.5 us for this way.
 * A text is kept when it comes for the second time: to keep one costs as much as to count a few dozen
 * characters, and most prompts never come again. Among texts with the same hash the last one stays.
 */
export class TextCountCache {
  readonly #texts: RecentMap<number, CountedText>
  readonly #seenOnce = new Int32Array(SEEN_ONCE)

  /** `generationBytes` is half of the bound. */
  constructor(generationBytes = GENERATION_BYTES) {
    this.#texts = new RecentMap(generationBytes, ({ text }) => 2 * text.length + ENTRY_BYTES)
  }

  /** How many texts are kept. */
  get size(): number {
    return this.#texts.size
  }

  /** The number of tokens of a text: known from before, or else from `count`. */
  get(text: string, count: (text: string) => number): number {
    const hash = hashSamples(text)
    const known = this.#texts.get(hash)
    if (known !== undefined && known.text === text) return known.tokens

    const tokens = count(text)
    if (text.length > LONGEST_TEXT) return tokens
    const slot = hash & (SEEN_ONCE - 1)
    // A copy, because a string cut from a larger one keeps all of that one in memory. (A lone surrogate is not copied
    // faithfully, so such a text is counted each time.)
    if (this.#seenOnce[slot] === hash) this.#texts.set(hash, { text: Buffer.from(text).toString(), tokens })
    else this.#seenOnce[slot] = hash
    return tokens
  }
}

function hashSamples(text: string): number {
  const step = Math.max(1, Math.floor(text.length / SAMPLES))
  let hash = text.length
  for (let at = text.length - 1; at >= 0; at -= step)
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x0100_0193)
  return hash ^ (hash >>> 15)
}
