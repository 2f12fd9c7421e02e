/** Clients choose names of any length, and the time of a comparison is the product of both lengths. */
const MAX_NAME_CHARACTERS = 1_000

/** Limit of the compared part of two names, without their common start and end. */
const MAX_COMPARED_CHARACTERS = 100

/**
 * The candidates that are most similar to a mistyped name, nearest first, at most `limit`. Ignores case. Excludes candidates with
 * an edit distance above half of the longer name, names of more than 1,000 characters, and differences of more than 100.
 */
export function nearestNames(name: string, candidates: readonly string[], limit: number): string[] {
  if (name.length > MAX_NAME_CHARACTERS) return []
  const lowerName = name.toLowerCase()
  return candidates
    .map((candidate) => ({ candidate, distance: editDistance(lowerName, candidate.toLowerCase()) }))
    .filter(({ candidate, distance }) => distance <= Math.max(candidate.length, lowerName.length) / 2)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, limit)
    .map(({ candidate }) => candidate)
}

/** Edit distance: insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
export function editDistance(wholeFrom: string, wholeTo: string): number {
  const [from, to] = withoutCommonEnds(wholeFrom, wholeTo)
  if (Math.max(from.length, to.length) > MAX_COMPARED_CHARACTERS) return Infinity
  let beforePrevious: number[] = []
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const substituted = costAt(previous, column - 1) + (from[row - 1] === to[column - 1] ? 0 : 1)
      const inserted = costAt(current, column - 1) + 1
      const deleted = costAt(previous, column) + 1
      const isSwap = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      const swapped = isSwap ? costAt(beforePrevious, column - 2) + 1 : Infinity
      current.push(Math.min(substituted, inserted, deleted, swapped))
    }
    beforePrevious = previous
    previous = current
  }
  return costAt(previous, to.length)
}

function withoutCommonEnds(left: string, right: string): readonly [string, string] {
  const shorter = Math.min(left.length, right.length)
  let start = 0
  while (start < shorter && left[start] === right[start]) start++
  let end = 0
  while (end < shorter - start && left.at(-1 - end) === right.at(-1 - end)) end++
  return [left.slice(start, left.length - end), right.slice(start, right.length - end)]
}

function costAt(row: readonly number[], column: number): number {
  return row[column] ?? Infinity
}
