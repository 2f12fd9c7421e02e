/** Whether a value is an object with keys: not null and not an array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The keys of an object, or no keys if the value is not an object. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {}
}

/** Returns the own property of an object; undefined for one of its prototype, such as `constructor`. */
export function ownValue<T>(object: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return object && Object.hasOwn(object, key) ? object[key] : undefined
}

/** Returns a copy of an object without a key. */
export function withoutKey<T>(
  object: Readonly<Record<string, T>> | undefined,
  key: string,
): Record<string, T> {
  return Object.fromEntries(Object.entries(object ?? {}).filter(([name]) => name !== key))
}

/** The keys of a JSON object, or no keys if the text is not a JSON object. */
export function parseFields(json: string): Readonly<Record<string, unknown>> {
  try {
    return fieldsOf(JSON.parse(json))
  } catch {
    return {}
  }
}

/** Whether objects and arrays are nested in more than so many levels. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  if (Array.isArray(value)) return value.some((item) => isDeeperThan(item, levels - 1))
  return Object.values(value).some((item) => isDeeperThan(item, levels - 1))
}

/** A Map that rejects changes after it is frozen. `Object.freeze` alone does not prevent them. */
class FreezableMap<K, V> extends Map<K, V> {
  override set(key: K, value: V): this {
    this.#refuseIfFrozen()
    return super.set(key, value)
  }

  override delete(key: K): boolean {
    this.#refuseIfFrozen()
    return super.delete(key)
  }

  override clear(): void {
    this.#refuseIfFrozen()
    super.clear()
  }

  #refuseIfFrozen(): void {
    if (Object.isFrozen(this)) throw new TypeError('Could not change the map: it is frozen')
  }
}

/** A frozen copy of a map. Structured cloning converts it to a plain Map. */
export function frozenMap<K, V>(entries: Iterable<readonly [K, V]>): ReadonlyMap<K, V> {
  const map = new FreezableMap<K, V>()
  // The overridden `set` checks at each call whether the map is frozen.
  const set = Map.prototype.set.bind(map)
  for (const [key, value] of entries) set(key, value)
  return Object.freeze(map)
}

/** Freezes a tree of plain objects and arrays in place. Frozen objects are skipped. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const child of Object.values(value)) deepFreeze(child)
  return Object.freeze(value)
}

/** Sets a key as JSON.parse does: `__proto__` is an ordinary key. */
export function setKey(target: Record<string, unknown>, key: string, value: unknown): void {
  // defineProperty is several times slower than an assignment.
  if (key !== '__proto__') target[key] = value
  else Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
}
