import { isRecord } from '../lib/record.ts'

/**
 * Applies a JSON merge patch (RFC 7396): mappings are merged, null removes, everything else replaces. Parts that the patch
 * does not touch stay the same objects.
 */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch
  const merged: Record<string, unknown> = isRecord(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key]
    else define(merged, key, mergePatch(merged[key], value))
  }
  return merged
}

/**
 * Whether one patch can say what two say that follow each other. None can where the later one goes into what the first one
 * removes or sets: as one, it would go into what was there before both.
 */
export function canJoin(first: unknown, second: unknown): boolean {
  if (!isRecord(second)) return true
  if (!isRecord(first)) return false
  return Object.entries(second).every(
    ([key, value]) => !Object.hasOwn(first, key) || canJoin(first[key], value),
  )
}

/** Makes one patch of two that follow each other, where `canJoin` says so: what the later one says goes, and its nulls still remove. */
export function joinPatches(first: unknown, second: unknown): unknown {
  if (!isRecord(first) || !isRecord(second)) return second
  const joined: Record<string, unknown> = { ...first }
  for (const [key, value] of Object.entries(second)) {
    define(joined, key, Object.hasOwn(joined, key) ? joinPatches(joined[key], value) : value)
  }
  return joined
}

/** A key such as `__proto__` is a key like others. */
export function define(object: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
}
