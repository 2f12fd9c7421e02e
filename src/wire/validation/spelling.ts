/** A key of fewer letters has too many neighbours to guess from. */
const lettersPerEdit = 4

/** The known names that a misspelt key may mean, in alphabetical order; most often none. */
export function namesNear(key: string, known: Iterable<string>): string[] {
  const maxEdits = Math.min(2, Math.floor(key.length / lettersPerEdit))
  if (maxEdits === 0) return []
  return [...known].filter((name) => isWithinEdits(key, name, maxEdits)).sort()
}

/** Levenshtein's distance. Rows are as long as a known name, and keys of another length never get here. */
function isWithinEdits(key: string, name: string, maxEdits: number): boolean {
  if (Math.abs(key.length - name.length) > maxEdits) return false
  let row = Array.from({ length: name.length + 1 }, (_, i) => i)
  for (let k = 0; k < key.length; k++) {
    let corner = k
    let left = k + 1
    row = row.map((above, n) => {
      if (n > 0) left = Math.min(above + 1, left + 1, corner + (key[k] === name[n - 1] ? 0 : 1))
      corner = above
      return left
    })
  }
  return (row.at(-1) ?? Infinity) <= maxEdits
}
