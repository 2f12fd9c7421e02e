import { indentAt, lineEnd, withoutTrailing } from './yaml-lines.ts'

/**
 * Reads a literal block whose `|` stands at `position`, under a key or dash in column `parent`. Gives undefined for one
 * with an indentation indicator, a comment, or lines that stand out of line: the full parser decides about those.
 */
export function readLiteral(
  text: string,
  position: number,
  parent: number,
): { value: string; end: number } | undefined {
  const headerEnd = lineEnd(text, position)
  const header = /^\|([+-]?) *$/.exec(text.slice(position, headerEnd))
  if (!header) return undefined
  const start = Math.min(headerEnd + 1, text.length)
  let at = start
  let margin = -1
  while (at < text.length) {
    const end = lineEnd(text, at)
    const indent = indentAt(text, at)
    if (at + indent < end) {
      if (indent <= parent) break
      if (margin < 0) margin = indent
      if (indent < margin) return undefined
    } else if (indent > (margin < 0 ? parent + 1 : margin)) {
      // A line of spaces is content as far as it is longer than the margin.
      return undefined
    }
    at = Math.min(end + 1, text.length)
  }
  return { value: chomp(stripMargin(text.slice(start, at), margin), header[1] ?? ''), end: at }
}

function stripMargin(raw: string, margin: number): string {
  return margin > 0 ? raw.replace(new RegExp(`^ {1,${margin}}`, 'gm'), '') : raw
}

function chomp(text: string, mode: string): string {
  if (mode === '+') return text
  const body = withoutTrailing(text, '\n')
  return mode === '-' || body === '' ? body : `${body}\n`
}
