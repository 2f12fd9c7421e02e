/** Copies plain objects and arrays, without the keys that are undefined; all else stays the same value. */
export function copyTree(tree: unknown): unknown {
  if (Array.isArray(tree)) return tree.map(copyTree)
  if (typeof tree !== 'object' || tree === null) return tree
  const prototype: unknown = Object.getPrototypeOf(tree)
  // An object of another realm has an Object.prototype of its own.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return tree
  return Object.fromEntries(
    Object.entries(tree)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, copyTree(value)]),
  )
}
