/** The part of what was typed that an issue is about: a schema may look deeper, into what a short form stands for. */
export function followPath(
  value: unknown,
  path: readonly PropertyKey[],
): { path: PropertyKey[]; got: unknown } {
  const walked: PropertyKey[] = []
  let got = value
  for (const key of path) {
    if (typeof got !== 'object' || got === null) break
    got = (got as Record<PropertyKey, unknown>)[key]
    walked.push(key)
  }
  return { path: walked, got }
}
