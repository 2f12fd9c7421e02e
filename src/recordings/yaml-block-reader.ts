import { MAX_YAML_DEPTH } from '../config/parse-yaml.ts'
import { nextLine, isLineEnd, indentAt, isListDash, lineEnd, withoutTrailing } from './yaml-scalar.ts'
import { closingQuote, foldLines, readDoubleQuoted, readSingleQuoted } from './yaml-quoted.ts'
import { fromJson, plainScalar, textOf, type YamlMap, type YamlValue } from './yaml-value.ts'

/** A value and its end: the first line after it, or the end of the text. */
interface BlockRead {
  readonly value: YamlValue
  readonly end: number
}

/** Thrown in this file only, for YAML that the full parser must read. */
const unsupported = Symbol('outside of the subset')

/**
 * Reads the YAML that PyYAML, this simulator and most users write: block maps and lists, plain and quoted scalars, literal blocks,
 * `!!binary`, `!binary` and JSON on one line. Returns undefined for anything else (anchors, folded blocks, other tags, flow style over several
 * lines, errors). The full parser reads those, and takes about forty times as long.
 *
 * @param text with line feeds only
 * @param start the start of a line
 */
export function readBlock(text: string, start: number): BlockRead | undefined {
  const reader = new BlockReader(text, start)
  try {
    const value = reader.readNode(-1)
    return { value, end: reader.end }
  } catch (error) {
    if (error === unsupported) return undefined
    throw error
  }
}

class BlockReader {
  readonly #text: string
  /** The start of the next line. */
  #at: number
  #depth = 0

  constructor(text: string, start: number) {
    this.#text = text
    this.#at = start
  }

  /** The start of the first line that was not read. */
  get end(): number {
    return this.#at
  }

  /** Reads the node on the following lines, which is indented by more than `parent`; null if there is no such line. */
  readNode(parent: number): YamlValue {
    const indent = this.#nextIndent()
    if (indent <= parent) return null
    const position = this.#at + indent
    if (parent < 0 || isListDash(this.#text, position) || this.#isKeyAt(position))
      return this.#readAt(position, indent)
    return this.#readScalar(position, parent)
  }

  /** Reads a list or a map with its first entry at `position`, in column `column`. */
  #readAt(position: number, column: number): YamlValue {
    // The full parser reports the depth.
    if (this.#depth === MAX_YAML_DEPTH) throw unsupported
    this.#depth++
    const value = isListDash(this.#text, position)
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
      if (isLineEnd(this.#text, content)) {
        this.#at = nextLine(this.#text, content)
        items.push(this.readNode(column))
      } else if (isListDash(this.#text, content) || this.#isKeyAt(content)) {
        items.push(this.#readAt(content, contentColumn))
      } else {
        items.push(this.#readScalar(content, column))
      }
      if (this.#nextIndent() !== column || !isListDash(this.#text, this.#at + column)) return items
      position = this.#at + column
    }
  }

  #readMap(first: number, column: number): YamlMap {
    const map = new Map<string, YamlValue>()
    let position = first
    for (;;) {
      const { key, end } = this.#readKey(position)
      // The full parser reports duplicate keys, and handles merge keys.
      if (map.has(key) || key === '<<') throw unsupported
      map.set(key, this.#readValue(end, column))
      if (this.#nextIndent() !== column || isListDash(this.#text, this.#at + column)) return map
      position = this.#at + column
    }
  }

  /** Reads the value after the colon of a key in `column`. */
  #readValue(afterColon: number, column: number): YamlValue {
    let content = afterColon
    while (this.#text[content] === ' ') content++
    if (!isLineEnd(this.#text, content)) return this.#readScalar(content, column)
    this.#at = nextLine(this.#text, content)
    const indent = this.#nextIndent()
    // A list may be in the same column as its key.
    if (indent === column && isListDash(this.#text, this.#at + indent))
      return this.#readAt(this.#at + indent, indent)
    return this.readNode(column)
  }

  #readKey(position: number): { key: string; end: number } {
    const character = this.#text[position]
    if (character === "'" || character === '"') {
      const close = this.#closingQuote(position)
      if (this.#text[close + 1] !== ':') throw unsupported
      return { key: this.#unquote(position, close), end: close + 2 }
    }
    const colon = this.#colonOf(position)
    if (colon < 0) throw unsupported
    return { key: withoutTrailing(this.#text.slice(position, colon), ' \t'), end: colon + 1 }
  }

  /** Whether a key with its colon begins here. Quoted keys are rare, so scanning them completely is fast enough. */
  #isKeyAt(position: number): boolean {
    const character = this.#text[position]
    if (character === "'" || character === '"') return this.#text[this.#closingQuote(position) + 1] === ':'
    return this.#colonOf(position) >= 0
  }

  /** The position of the colon of a plain key; -1 if no key begins here. */
  #colonOf(position: number): number {
    plainKey.lastIndex = position
    const match = plainKey.exec(this.#text)
    return match ? position + match[0].length - 1 : -1
  }

  #readScalar(position: number, parent: number): YamlValue {
    const character = this.#text[position] ?? ''
    if (character === "'" || character === '"') {
      const close = this.#closingQuote(position)
      if (!isLineEnd(this.#text, close + 1)) throw unsupported
      this.#at = nextLine(this.#text, close + 1)
      return this.#unquote(position, close)
    }
    if (character === '|') return this.#readLiteral(position, parent)
    if (character === '{' || character === '[') return this.#readJson(position)
    if (this.#text.startsWith('!!binary ', position)) return this.#readBinary(position + 9, parent)
    // The tag of Psych, the YAML library of Ruby.
    if (this.#text.startsWith('!binary ', position)) return this.#readBinary(position + 8, parent)
    if (indicators.includes(character)) throw unsupported
    return this.#readPlain(position, parent)
  }

  #readBinary(position: number, parent: number): Uint8Array {
    const base64 = textOf(this.#readScalar(position, parent))
    if (base64 === undefined) throw unsupported
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
      throw unsupported
    }
  }

  #readPlain(position: number, parent: number): YamlValue {
    let end = lineEnd(this.#text, position)
    const comment = this.#text.slice(position, end).indexOf(' #')
    if (comment >= 0) {
      this.#at = nextLine(this.#text, position)
      const before = this.#text.slice(position, position + comment)
      if (/: |:$|\t/.test(before)) throw unsupported
      return plainScalar(withoutTrailing(before, ' '))
    }
    for (;;) {
      const next = Math.min(end + 1, this.#text.length)
      this.#at = next
      // Lines with more indentation belong to the scalar, and empty lines between them.
      if (this.#nextIndent() <= parent) break
      end = lineEnd(this.#text, this.#at)
    }
    const raw = this.#text.slice(position, end)
    if (/: |:$|(?:^|\s)#|\t/m.test(raw)) throw unsupported
    // A non-breaking space is content, unlike for trim().
    return plainScalar(withoutTrailing(foldLines(raw), ' '))
  }

  #readLiteral(position: number, parent: number): string {
    const literal = readLiteral(this.#text, position, parent)
    if (!literal) throw unsupported
    this.#at = literal.end
    return literal.value
  }

  #unquote(open: number, close: number): string {
    const raw = this.#text.slice(open + 1, close)
    if (this.#text[open] === "'") return readSingleQuoted(raw)
    const text = readDoubleQuoted(raw)
    if (text === undefined) throw unsupported
    return text
  }

  #closingQuote(open: number): number {
    const close = closingQuote(this.#text, open)
    if (close < 0) throw unsupported
    return close
  }

  /** Skips empty lines and comments. Returns the indentation of the next line, or -1 at the end of the text. */
  #nextIndent(): number {
    while (this.#at < this.#text.length) {
      const indent = indentAt(this.#text, this.#at)
      const content = this.#at + indent
      const character = this.#text[content]
      if (character === '\t') throw unsupported
      if (character !== undefined && character !== '\n' && character !== '#') return indent
      this.#at = nextLine(this.#text, content)
    }
    return -1
  }
}

/** Characters with a meaning at the start of a scalar: anchors, tags, folded blocks, comments and reserved characters. */
const indicators = '&*!>%@`,]}#?"\''

/** A key without quotes: no indicator at its start, and no colon except the one at its end. */
const plainKey = /[^\s:&*!>|%@`,{}[\]#?"'-][^:\n#]*:(?= |\n|$)/y

/**
 * Reads a literal block with its `|` at `position`, under a key or dash in column `parent`. Returns undefined for a block with an
 * indentation indicator, a comment or inconsistent indentation, which the full parser reads.
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
      // Spaces beyond the margin are content, also in a line of spaces only.
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
