/** Cuts the name of a property into words in small letters: `startDate`, `start_date` and `START-DATE` alike. */
function splitName(name: string): string[] {
  return name
    .slice(0, 80)
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
}

/**
 * What a table says of the last word of a name that it knows, in singular or plural: `shipping_cities` is of `city`.
 */
export function lookUpName<T>(table: ReadonlyMap<string, T>, name: string): T | undefined {
  if (name === '') return undefined
  for (const word of splitName(name).toReversed()) {
    const found = table.get(word) ?? table.get(word.replace(/ies$/, 'y')) ?? table.get(word.replace(/s$/, ''))
    if (found !== undefined) return found
  }
  return undefined
}
