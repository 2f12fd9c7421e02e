/** Where the quote stands that ends the scalar which begins with one at `open`; -1 when there is none. */
export function closingQuote(text: string, open: number): number {
  const quote = text[open] ?? ''
  for (let at = text.indexOf(quote, open + 1); at >= 0; at = text.indexOf(quote, at + 1)) {
    if (quote === '"') {
      let backslashes = 0
      while (text[at - 1 - backslashes] === '\\') backslashes++
      if (backslashes % 2 === 0) return at
    } else if (text[at + 1] === "'") {
      at++
    } else {
      return at
    }
  }
  return -1
}

/** Gives what stands between single quotes: doubled quotes are one, lines are folded. */
export function readSingleQuoted(raw: string): string {
  const text = raw.includes('\n') ? raw.replace(foldable, fold) : raw
  return text.includes("'") ? text.replaceAll("''", "'") : text
}

/**
 * Gives what stands between double quotes: escapes are resolved, lines are folded; undefined for an escape that YAML
 * does not have.
 */
export function readDoubleQuoted(raw: string): string | undefined {
  if (!raw.includes('\\') && !raw.includes('\n')) return raw
  let isValid = true
  const text = raw.replace(escapedOrFoldable, (match: string, emptyLines?: string, hex?: string) => {
    if (match[0] !== '\\') return fold(match)
    if (emptyLines !== undefined) return '\n'.repeat(emptyLines.split('\n').length - 1)
    const character = hex === undefined ? escapes[match[1] ?? ''] : fromHex(hex.slice(1))
    isValid &&= character !== undefined
    return character ?? ''
  })
  return isValid ? text : undefined
}

/** Joins the lines of a plain scalar. */
export function foldLines(raw: string): string {
  return raw.replace(foldable, fold)
}

/** White space around line breaks belongs to the layout: one break is a space, each further one a line feed. */
const foldable = /[ \t]*\n[ \t\n]*/g

/** Either a foldable break, or an escape: of a line break with the empty lines behind it, of a code point, of one sign. */
const escapedOrFoldable =
  /[ \t]*\n[ \t\n]*|\\(?:\n((?:[ \t]*\n)*)[ \t]*|(x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8})|[^])/g

function fold(breaks: string): string {
  const count = breaks.split('\n').length - 1
  return count === 1 ? ' ' : '\n'.repeat(count - 1)
}

function fromHex(digits: string): string | undefined {
  const code = Number.parseInt(digits, 16)
  return code <= 0x10ffff ? String.fromCodePoint(code) : undefined
}

const escapes: Readonly<Record<string, string>> = {
  '0': '\0',
  a: '\x07',
  b: '\b',
  t: '\t',
  '\t': '\t',
  n: '\n',
  v: '\v',
  f: '\f',
  r: '\r',
  e: '\x1b',
  ' ': ' ',
  '"': '"',
  '/': '/',
  '\\': '\\',
  N: '\x85',
  _: '\xa0',
  L: '\u2028',
  P: '\u2029',
}
