/** Replaces everything but printable ASCII, so that text of a client or an endpoint is safe for a terminal. */
export function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?')
}

/** Printable text of at most `maxCharacters`. Longer text ends with three dots. */
export function printableWithin(text: string, maxCharacters: number): string {
  return printable(text.length > maxCharacters ? `${text.slice(0, maxCharacters - 3)}...` : text)
}
