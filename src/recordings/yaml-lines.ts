/** How many spaces a line begins with. */
export function indentAt(text: string, lineStart: number): number {
  let at = lineStart
  while (text.charCodeAt(at) === 0x20) at++
  return at - lineStart
}

/** Where the line ends that `position` stands in: at its line feed, or at the end of the text. */
export function lineEnd(text: string, position: number): number {
  const end = text.indexOf('\n', position)
  return end < 0 ? text.length : end
}

/** Where the next line begins. */
export function afterLine(text: string, position: number): number {
  return Math.min(lineEnd(text, position) + 1, text.length)
}

/** Whether the dash of a list item stands here. */
export function isDash(text: string, position: number): boolean {
  const next = text[position + 1]
  return text[position] === '-' && (next === ' ' || next === '\n' || next === undefined)
}

/** Whether nothing but white space or a comment follows on the line. */
export function endsLine(text: string, position: number): boolean {
  let at = position
  while (text[at] === ' ') at++
  const sign = text[at]
  return sign === undefined || sign === '\n' || (sign === '#' && text[at - 1] === ' ')
}

/** A text without the signs at its end. A regular expression for this takes quadratic time for long runs in its midst. */
export function withoutTrailing(text: string, signs: string): string {
  let end = text.length
  while (end > 0 && signs.includes(text.charAt(end - 1))) end--
  return text.slice(0, end)
}
