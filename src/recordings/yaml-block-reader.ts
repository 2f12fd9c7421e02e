import { MAX_YAML_DEPTH } from '../config/parse-yaml.ts'
import { afterLine, endsLine, indentAt, isDash, lineEnd, withoutTrailing } from './yaml-scalar.ts'
import { closingQuote, foldLines, readDoubleQuoted, readSingleQuoted } from './yaml-quoted.ts'
import { fromJson, plainScalar, textOf, type YamlMap, type YamlValue } from './yaml-value.ts'

/** What was read, and where it ended: at the first line that does not belong to it, or at the end of the text. */
interface BlockRead {
  readonly value: YamlValue
  readonly end: number
}

/** Thrown inside this file only, for what this reader leaves to the full parser. */
const outside = Symbol('outside of the subset')

/**
 * Reads the layout that PyYAML, this simulator and most people write: block maps and lists, plain and quoted scalars,
 * literal blocks, `!!binary`, and JSON on one line. Gives undefined for anything else (anchors, folded blocks, other tags,
 * flow style over several lines, errors), which is left to the full parser: that one takes some forty times as long.
 *
 * @param text with line feeds only
 * @param start where a line begins
 */
export function readBlock(text: string, start: number): BlockRead | undefined {
  const reader = new BlockReader(text, start)
  try {
    const value = reader.readNode(-1)
    return { value, end: reader.end }
  } catch (error) {
    if (error === outside) return undefined
    throw error
  }
}

class BlockReader {
  readonly #text: string
  /** Where the next line begins. */
  #at: number
  #depth = 0

  constructor(text: string, start: number) {
    this.#text = text
    this.#at = start
  }

  /** Where the first line begins that was not read. */
  get end(): number {
    return this.#at
  }

  /** Reads the node on the lines that follow, which is indented by more than `parent`; null where there is none. */
  readNode(parent: number): YamlValue {
    const indent = this.#nextIndent()
    if (indent <= parent) return null
    const position = this.#at + indent
    if (parent < 0 || isDash(this.#text, position) || this.#isKeyAt(position))
      return this.#readAt(position, indent)
    return this.#readScalar(position, parent)
  }

  /** Reads a list or a map whose first entry stands at `position`, in column `column`. */
  #readAt(position: number, column: number): YamlValue {
    // The full parser says that it is too deep.
    if (this.#depth === MAX_YAML_DEPTH) throw outside
    this.#depth++
    const value = isDash(this.#text, position)
      ? this.#readList(position, column)
      : this.#readMap(position, column)
    this.#depth--
    return value
  }

  #readList(first: number, column: number): YamlValue[] {
    const items: YamlValue[] = []
    let position = first
    for (;;) {
      let content = position + 1
      while (this.#text[content] === ' ') content++
      const contentColumn = column + content - position
      if (endsLine(this.#text, content)) {
        this.#at = afterLine(this.#text, content)
        items.push(this.readNode(column))
      } else if (isDash(this.#text, content) || this.#isKeyAt(content)) {
        items.push(this.#readAt(content, contentColumn))
      } else {
        items.push(this.#readScalar(content, column))
      }
      if (this.#nextIndent() !== column || !isDash(this.#text, this.#at + column)) return items
      position = this.#at + column
    }
  }

  #readMap(first: number, column: number): YamlMap {
    const map = new Map<string, YamlValue>()
    let position = first
    for (;;) {
      const { key, end } = this.#readKey(position)
      // The full parser tells of keys that stand twice, and merges.
      if (map.has(key) || key === '<<') throw outside
      map.set(key, this.#readValue(end, column))
      if (this.#nextIndent() !== column || isDash(this.#text, this.#at + column)) return map
      position = this.#at + column
    }
  }

  /** Reads what stands behind the colon of a key in `column`. */
  #readValue(afterColon: number, column: number): YamlValue {
    let content = afterColon
    while (this.#text[content] === ' ') content++
    if (!endsLine(this.#text, content)) return this.#readScalar(content, column)
    this.#at = afterLine(this.#text, content)
    const indent = this.#nextIndent()
    // A list may stand in the same column as the key that it belongs to.
    if (indent === column && isDash(this.#text, this.#at + indent))
      return this.#readAt(this.#at + indent, indent)
    return this.readNode(column)
  }

  #readKey(position: number): { key: string; end: number } {
    const sign = this.#text[position]
    if (sign === "'" || sign === '"') {
      const close = this.#closingQuote(position)
      if (this.#text[close + 1] !== ':') throw outside
      return { key: this.#unquote(position, close), end: close + 2 }
    }
    const colon = this.#colonOf(position)
    if (colon < 0) throw outside
    return { key: withoutTrailing(this.#text.slice(position, colon), ' \t'), end: colon + 1 }
  }

  /** Whether a key with its colon begins here. A quoted one is rare enough to be looked at in full. */
  #isKeyAt(position: number): boolean {
    const sign = this.#text[position]
    if (sign === "'" || sign === '"') return this.#text[this.#closingQuote(position) + 1] === ':'
    return this.#colonOf(position) >= 0
  }

  /** Where the colon of a plain key stands; -1 when none begins here. */
  #colonOf(position: number): number {
    plainKey.lastIndex = position
    const match = plainKey.exec(this.#text)
    return match ? position + match[0].length - 1 : -1
  }

  #readScalar(position: number, parent: number): YamlValue {
    const sign = this.#text[position] ?? ''
    if (sign === "'" || sign === '"') {
      const close = this.#closingQuote(position)
      if (!endsLine(this.#text, close + 1)) throw outside
      this.#at = afterLine(this.#text, close + 1)
      return this.#unquote(position, close)
    }
    if (sign === '|') return this.#readLiteral(position, parent)
    if (sign === '{' || sign === '[') return this.#readJson(position)
    if (this.#text.startsWith('!!binary ', position)) return this.#readBinary(position + 9, parent)
    if (indicators.includes(sign)) throw outside
    return this.#readPlain(position, parent)
  }

  #readBinary(position: number, parent: number): Uint8Array {
    const base64 = textOf(this.#readScalar(position, parent))
    if (base64 === undefined) throw outside
    return Buffer.from(base64, 'base64')
  }

  #readJson(position: number): YamlValue {
    const end = lineEnd(this.#text, position)
    const line = this.#text.slice(position, end).trimEnd()
    this.#at = Math.min(end + 1, this.#text.length)
    if (line === '{}') return new Map()
    if (line === '[]') return []
    try {
      return fromJson(JSON.parse(line))
    } catch {
      throw outside
    }
  }

  #readPlain(position: number, parent: number): YamlValue {
    let end = lineEnd(this.#text, position)
    const comment = this.#text.slice(position, end).indexOf(' #')
    if (comment >= 0) {
      this.#at = afterLine(this.#text, position)
      const before = this.#text.slice(position, position + comment)
      if (/: |:$|\t/.test(before)) throw outside
      return plainScalar(withoutTrailing(before, ' '))
    }
    for (;;) {
      const next = Math.min(end + 1, this.#text.length)
      this.#at = next
      // Lines that are indented further belong to it, and so do empty ones between them.
      if (this.#nextIndent() <= parent) break
      end = lineEnd(this.#text, this.#at)
    }
    const raw = this.#text.slice(position, end)
    if (/: |:$|(?:^|\s)#|\t/m.test(raw)) throw outside
    // A non-breaking space is content, unlike for trim().
    return plainScalar(withoutTrailing(foldLines(raw), ' '))
  }

  #readLiteral(position: number, parent: number): string {
    const literal = readLiteral(this.#text, position, parent)
    if (!literal) throw outside
    this.#at = literal.end
    return literal.value
  }

  #unquote(open: number, close: number): string {
    const raw = this.#text.slice(open + 1, close)
    if (this.#text[open] === "'") return readSingleQuoted(raw)
    const text = readDoubleQuoted(raw)
    if (text === undefined) throw outside
    return text
  }

  #closingQuote(open: number): number {
    const close = closingQuote(this.#text, open)
    if (close < 0) throw outside
    return close
  }

  /** Skips empty lines and comments; gives the next line's indentation, -1 at the end of the text. */
  #nextIndent(): number {
    while (this.#at < this.#text.length) {
      const indent = indentAt(this.#text, this.#at)
      const content = this.#at + indent
      const sign = this.#text[content]
      if (sign === '\t') throw outside
      if (sign !== undefined && sign !== '\n' && sign !== '#') return indent
      this.#at = afterLine(this.#text, content)
    }
    return -1
  }
}

/** Signs that mean something at the start of a scalar: anchors, tags, folded blocks, comments and the reserved ones. */
const indicators = '&*!>%@`,]}#?"\''

/** A key without quotes: no indicator in front, no colon but the one behind it. */
const plainKey = /[^\s:&*!>|%@`,{}[\]#?"'-][^:\n#]*:(?= |\n|$)/y

/**
 * Reads a literal block whose `|` stands at `position`, under a key or dash in column `parent`. Gives undefined for one
 * with an indentation indicator, a comment, or lines that stand out of line: the full parser decides about those.
 */
function readLiteral(
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
