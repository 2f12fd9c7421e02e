/**
 * The candidates that a mistyped name most likely means, nearest first, at most `limit`. A candidate further away
 * than half of the longer name's length is not offered. Case is ignored.
 */
export function nearestNames(name: string, candidates: readonly string[], limit: number): string[] {
  const wanted = name.toLowerCase()
  return candidates
    .map((candidate) => ({ candidate, distance: editDistance(wanted, candidate.toLowerCase()) }))
    .filter(({ candidate, distance }) => distance <= Math.max(candidate.length, wanted.length) / 2)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, limit)
    .map(({ candidate }) => candidate)
}

/** Insertions, deletions, substitutions and swaps of neighbours that turn `from` into `to` (optimal string alignment). */
export function editDistance(from: string, to: string): number {
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

function costAt(row: readonly number[], column: number): number {
  return row[column] ?? Infinity
}
