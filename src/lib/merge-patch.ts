import { isRecord, setKey } from './record.ts'

/**
 * Applies a JSON merge patch (RFC 7396): mappings are merged, null removes, everything else replaces. Values that the patch does
 * not change stay the same objects.
 */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch
  const merged: Record<string, unknown> = isRecord(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key]
    else setKey(merged, key, mergePatch(merged[key], value))
  }
  return merged
}

/**
 * Returns whether two consecutive patches can be combined into one. They cannot if the second patches a value that the first
 * removes or sets: the combined patch would apply to the value before both.
 */
export function canJoin(first: unknown, second: unknown): boolean {
  if (!isRecord(second)) return true
  if (!isRecord(first)) return false
  return Object.entries(second).every(
    ([key, value]) => !Object.hasOwn(first, key) || canJoin(first[key], value),
  )
}

/** Combines two consecutive patches for which `canJoin` returns true. The second has priority, and its nulls still remove. */
export function joinPatches(first: unknown, second: unknown): unknown {
  if (!isRecord(first) || !isRecord(second)) return second
  const joined: Record<string, unknown> = { ...first }
  for (const [key, value] of Object.entries(second)) {
    setKey(joined, key, Object.hasOwn(joined, key) ? joinPatches(joined[key], value) : value)
  }
  return joined
}
