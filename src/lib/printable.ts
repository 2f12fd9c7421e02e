/** A text that clients or endpoints chose, without what a terminal would obey. */
export function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?')
}
