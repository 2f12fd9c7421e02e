const longest = 60

/** A wrong value as a message quotes it: as JSON, cut when it is long. */
export function showValue(value: unknown): string {
  const shown = JSON.stringify(value) ?? typeof value
  return shown.length > longest ? `${shown.slice(0, longest)}...` : shown
}
