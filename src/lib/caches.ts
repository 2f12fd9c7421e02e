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

/** How contents are told apart and kept. */
export interface RepeatCacheOptions<Content, Value> {
  /** Equal contents have one hash, and few others share it: what reads samples finds sooner than what reads all. */
  readonly hash: (content: Content) => number
  readonly equals: (kept: Content, content: Content) => boolean
  /** A copy to keep: what is cut from something larger keeps all of that in memory. */
  readonly copy: (content: Content) => Content
  /** Bytes that an entry takes. */
  readonly weigh: (content: Content) => number
  /** Makes a value ready to be given to several who ask; absent: it is so. */
  readonly share?: (value: Value) => Value
}

/** How many hashes of contents seen once are remembered. */
const SEEN_ONCE = 4096

/**
 * What was made of contents that come again and again. A content is kept when it comes for the second time: to keep one
 * takes time and room, and most never come again. Among contents with the same hash the last one stays.
 */
export class RepeatCache<Content, Value> {
  readonly #rules: RepeatCacheOptions<Content, Value>
  readonly #largestBytes: number
  readonly #kept: RecentMap<number, { readonly content: Content; readonly value: Value }>
  readonly #seenOnce = new Int32Array(SEEN_ONCE)

  /**
   * @param generationBytes half of the bound, since there are two generations
   * @param largestBytes what takes more is not kept, lest a few large ones throw out all others
   */
  constructor(rules: RepeatCacheOptions<Content, Value>, generationBytes: number, largestBytes: number) {
    this.#rules = rules
    this.#largestBytes = largestBytes
    this.#kept = new RecentMap(generationBytes, ({ content }) => rules.weigh(content))
  }

  /** How many contents are kept. */
  get size(): number {
    return this.#kept.size
  }

  /** What was made of an equal content before, or else what `make` gives. */
  get(content: Content, make: (content: Content) => Value): Value {
    const { hash: hashOf, equals, copy, weigh, share } = this.#rules
    const hash = hashOf(content)
    const known = this.#kept.get(hash)
    if (known !== undefined && equals(known.content, content)) return known.value

    const value = make(content)
    const slot = hash & (SEEN_ONCE - 1)
    if (this.#seenOnce[slot] !== hash) {
      this.#seenOnce[slot] = hash
      return value
    }
    if (weigh(content) > this.#largestBytes) return value
    const shared = share ? share(value) : value
    this.#kept.set(hash, { content: copy(content), value: shared })
    return shared
  }
}

/** How many units of a content are read, evenly spread, to find it. */
const SAMPLES = 64

/**
 * A hash of a length and of samples.
 *
 * @param unitAt the whole number that stands at an index
 */
export function hashSamples(length: number, unitAt: (index: number) => number): number {
  const step = Math.max(1, Math.floor(length / SAMPLES))
  let hash = length
  for (let at = length - 1; at >= 0; at -= step) hash = Math.imul(hash ^ unitAt(at), 0x0100_0193)
  return hash ^ (hash >>> 15)
}
