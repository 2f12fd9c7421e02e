import { indentAt, lineEnd, withoutTrailing } from './yaml-scalar.ts'

/** The position of the closing quote of the scalar that begins at `open`; -1 if it is missing. */
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

/** The value of a text in single quotes: doubled quotes become one, lines are folded. */
export function readSingleQuoted(raw: string): string {
  const text = foldLines(raw)
  return text.includes("'") ? text.replaceAll("''", "'") : text
}

/** The value of a text in double quotes: escapes are resolved, lines are folded. Undefined for an invalid escape. */
export function readDoubleQuoted(raw: string): string | undefined {
  const special = /[\\\n]/g
  let text = ''
  let at = 0
  for (let match = special.exec(raw); match; match = special.exec(raw)) {
    const plain = raw.slice(at, match.index)
    if (match[0] === '\n' || raw[match.index + 1] === '\n') {
      // An escaped line break is removed, and the white space before it is kept.
      const isEscaped = match[0] === '\\'
      const { breaks, end } = skipBreaks(raw, match.index + (isEscaped ? 2 : 1))
      text += isEscaped ? plain + '\n'.repeat(breaks) : withoutTrailing(plain, ' \t') + folded(breaks + 1)
      at = end
    } else {
      const [fullEscape = '', hex] = escapeAt(raw, match.index + 1)
      const character = hex === undefined ? escapes[fullEscape] : fromHex(hex.slice(1))
      if (character === undefined) return undefined
      text += plain + character
      at = match.index + 1 + fullEscape.length
    }
    special.lastIndex = at
  }
  return at === 0 ? raw : text + raw.slice(at)
}

/** Joins the lines of a scalar: one break becomes a space, each further one a line feed. White space around breaks is removed. */
export function foldLines(raw: string): string {
  let text = ''
  let at = 0
  for (let next = raw.indexOf('\n'); next >= 0; next = raw.indexOf('\n', at)) {
    const { breaks, end } = skipBreaks(raw, next + 1)
    text += withoutTrailing(raw.slice(at, next), ' \t') + folded(breaks + 1)
    at = end
  }
  return at === 0 ? raw : text + raw.slice(at)
}

function folded(breaks: number): string {
  return breaks === 1 ? ' ' : '\n'.repeat(breaks - 1)
}

function skipBreaks(raw: string, start: number): { readonly breaks: number; readonly end: number } {
  let breaks = 0
  let end = start
  for (;;) {
    const character = raw[end]
    if (character === '\n') breaks++
    else if (character !== ' ' && character !== '\t') return { breaks, end }
    end++
  }
}

const escapePattern = /(x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8})|[^]/y

function escapeAt(raw: string, at: number): readonly (string | undefined)[] {
  escapePattern.lastIndex = at
  return escapePattern.exec(raw) ?? []
}

/**
 * Replaces tabs and missing spaces at the start of lines of quoted texts by the required spaces. Values and line numbers do not
 * change. Returns the same string if there is nothing to replace.
 */
export function indentQuotedLines(text: string): string {
  let result = ''
  let done = 0
  let lineStart = 0
  let flowDepth = 0
  while (lineStart < text.length) {
    const end = lineEnd(text, lineStart)
    let at = lineStart + indentAt(text, lineStart)
    let next = end + 1
    let isStart = true
    while (/[-?] /.test(text.slice(at, at + 2))) at += 2
    const parent = at - lineStart
    for (; at < end; at++) {
      const character = text[at] ?? ''
      if (character === ' ' || character === '\t') {
        isStart ||= ':-?'.includes(text[at - 1] ?? ' ')
        if (text[at + 1] === '#') break
      } else if (isStart && (character === '"' || character === "'")) {
        const close = closingQuote(text, at)
        if (close < 0) return text
        const margin = ' '.repeat(at - lineStart + 1)
        const quoted = text.slice(at, close + 1)
        result += text.slice(done, at) + quoted.replace(/\n[ \t]*(?=[^ \t\n])/g, `\n${margin}`)
        done = close + 1
        if (quoted.includes('\n')) {
          // The rest of its last line is processed as a line.
          next = close + 1
          break
        }
        at = close
        isStart = false
      } else if (isStart && (character === '|' || character === '>') && flowDepth === 0) {
        next = afterBlock(text, next, parent)
        break
      } else if (isStart && (character === '!' || character === '&')) {
        while (at + 1 < end && text[at + 1] !== ' ') at++
      } else if ('[{'.includes(character) && (isStart || flowDepth > 0)) {
        flowDepth++
        isStart = true
      } else if (flowDepth > 0) {
        if (']}'.includes(character)) flowDepth--
        isStart = character === ','
      } else {
        isStart = false
      }
    }
    lineStart = next
  }
  return done === 0 ? text : result + text.slice(done)
}

/** The end of a block scalar under a key or dash in column `parent`. */
function afterBlock(text: string, start: number, parent: number): number {
  let at = start
  let margin = -1
  while (at < text.length) {
    const end = lineEnd(text, at)
    const indent = indentAt(text, at)
    if (at + indent < end) {
      if (margin < 0) margin = indent > parent ? indent : Infinity
      if (indent < margin) break
    }
    at = end + 1
  }
  return at
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
