/**
 * A cache of recently used entries with a size limit. It has two generations: when the young one is full, it becomes the old
 * one, and the previous old one is dropped. Nearly as fast as a Map; a list in order of use (LRU) is slower.
 */
export class RecentMap<Key, Value> {
  readonly #maxWeight: number
  readonly #weigh: (value: Value) => number
  #young = new Map<Key, Value>()
  #old = new Map<Key, Value>()
  #youngWeight = 0

  /**
   * @param maxWeight limit of one generation; the map holds at most twice as much
   * @param weigh weight of a value; default: 1, so that the limit is a number of entries
   */
  constructor(maxWeight: number, weigh: (value: Value) => number = () => 1) {
    this.#maxWeight = maxWeight
    this.#weigh = weigh
  }

  /** Number of entries. An entry in both generations counts twice. */
  get size(): number {
    return this.#young.size + this.#old.size
  }

  /** The value of a key; undefined if it was not set, or was evicted. */
  get(key: Key): Value | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  /** Removes all entries. */
  clear(): void {
    this.#young = new Map()
    this.#old = new Map()
    this.#youngWeight = 0
  }

  /** Removes the entries for which `isRemoved` returns true. Their weight counts until the next generation. */
  deleteWhere(isRemoved: (key: Key, value: Value) => boolean): void {
    for (const entries of [this.#young, this.#old]) {
      for (const [key, value] of entries) if (isRemoved(key, value)) entries.delete(key)
    }
  }

  /** The values, each once or twice. */
  *values(): Generator<Value> {
    yield* this.#young.values()
    yield* this.#old.values()
  }

  /** Adds or replaces a value. A value that exceeds the weight of a generation is ignored. */
  set(key: Key, value: Value): void {
    const weight = this.#weigh(value)
    if (weight > this.#maxWeight) return
    if (this.#youngWeight + weight > this.#maxWeight) {
      this.#old = this.#young
      this.#young = new Map()
      this.#youngWeight = 0
    }
    this.#young.set(key, value)
    this.#youngWeight += weight
  }
}

/** How a `RepeatCache` compares and stores contents. */
export interface RepeatCacheOptions<Content, Value> {
  /** Equal contents must have equal hashes. A hash of samples is faster than a hash of all bytes. */
  readonly hash: (content: Content) => number
  readonly equals: (cached: Content, content: Content) => boolean
  /** Copies a content for the cache. A slice would retain the whole string or buffer that it is a part of. */
  readonly copy: (content: Content) => Content
  /** Size of an entry in bytes. */
  readonly weigh: (content: Content) => number
  /** Prepares a value for use by several callers. Default: the value itself. */
  readonly share?: (value: Value) => Value
}

/** Number of hashes that are stored for contents seen once. A power of 2. */
const SEEN_ONCE_SLOTS = 4096

/**
 * Caches values that are computed from contents. A content is cached when it occurs for the second time, because caching costs
 * time and memory and most contents occur once. Of several contents with the same hash, only the last one is cached.
 */
export class RepeatCache<Content, Value> {
  readonly #options: RepeatCacheOptions<Content, Value>
  readonly #maxEntryBytes: number
  readonly #entries: RecentMap<number, { readonly content: Content; readonly value: Value }>
  readonly #seenOnce = new Int32Array(SEEN_ONCE_SLOTS)

  /**
   * @param generationBytes half of the size limit, since there are two generations
   * @param maxEntryBytes larger entries are not cached, so that a few of them cannot evict the rest
   */
  constructor(options: RepeatCacheOptions<Content, Value>, generationBytes: number, maxEntryBytes: number) {
    this.#options = options
    this.#maxEntryBytes = maxEntryBytes
    this.#entries = new RecentMap(generationBytes, ({ content }) => options.weigh(content))
  }

  /** Number of cached contents. */
  get size(): number {
    return this.#entries.size
  }

  /** The cached value of an equal content, or the result of `make`. */
  get(content: Content, make: (content: Content) => Value): Value {
    const { hash: hashOf, equals, copy, weigh, share } = this.#options
    const hash = hashOf(content)
    const cached = this.#entries.get(hash)
    if (cached !== undefined && equals(cached.content, content)) return cached.value

    const value = make(content)
    const slot = hash & (SEEN_ONCE_SLOTS - 1)
    if (this.#seenOnce[slot] !== hash) {
      this.#seenOnce[slot] = hash
      return value
    }
    if (weigh(content) > this.#maxEntryBytes) return value
    const shared = share ? share(value) : value
    this.#entries.set(hash, { content: copy(content), value: shared })
    return shared
  }
}

/** Number of evenly spread units of a content that are hashed. */
const HASH_SAMPLES = 64

/**
 * A hash of a length and of samples.
 *
 * @param unitAt the integer at an index, such as a character code
 */
export function hashSamples(length: number, unitAt: (index: number) => number): number {
  const step = Math.max(1, Math.floor(length / HASH_SAMPLES))
  let hash = length
  for (let at = length - 1; at >= 0; at -= step) hash = Math.imul(hash ^ unitAt(at), 0x0100_0193)
  return hash ^ (hash >>> 15)
}

/** The JSON of a value as the key of a cache. Returns an empty string if the nesting exceeds the stack. */
export function cacheKeyOf(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch {
    return ''
  }
}
