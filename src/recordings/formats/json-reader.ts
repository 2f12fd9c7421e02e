import { MAX_YAML_DEPTH } from '../../config/parse-yaml.ts'
import type { YamlProblem } from '../yaml-full-reader.ts'
import { PlainText, type YamlMap, type YamlValue } from '../yaml-value.ts'

/** The values of a text, or its first problem. */
export type JsonRead =
  | {
      /** One value, or several that follow each other, as in JSON lines. */
      readonly values: readonly YamlValue[]
      /** The first line of a map in the values. */
      readonly lineOf: (map: YamlMap) => number
    }
  | { readonly problem: YamlProblem }

/** Thrown in this file only. */
class JsonFailure extends Error {
  readonly at: number

  constructor(at: number, reason: string) {
    super(reason)
    this.at = at
  }
}

/**
 * Reads JSON or JSON lines with the lines of its maps and the digits of its numbers, which `JSON.parse` loses.
 *
 * @param maxValues limits time and memory
 */
export function readJsonText(text: string, maxValues: number): JsonRead {
  const reader = new JsonReader(text, maxValues)
  const lines = new LineCounter(text)
  try {
    const values = reader.readAll()
    return { values, lineOf: (map) => lines.lineAt(reader.offsets.get(map) ?? 0) }
  } catch (error) {
    if (!(error instanceof JsonFailure)) throw error
    return { problem: { line: lines.lineAt(error.at), reason: error.message } }
  }
}

/** Converts offsets to lines. Ascending offsets take linear time in total. */
class LineCounter {
  readonly #text: string
  #line = 1
  /** The end of the line. */
  #end = -1
  #start = 0

  constructor(text: string) {
    this.#text = text
  }

  lineAt(offset: number): number {
    if (offset < this.#start) [this.#line, this.#start, this.#end] = [1, 0, -1]
    if (this.#end < 0) this.#end = this.#endOf(0)
    while (this.#end < offset) {
      this.#line++
      this.#start = this.#end + 1
      this.#end = this.#endOf(this.#start)
    }
    return this.#line
  }

  #endOf(start: number): number {
    const end = this.#text.indexOf('\n', start)
    return end < 0 ? this.#text.length : end
  }
}

const literal = /true|false|null|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/y
const space = /[ \t\r\n\ufeff]*/y

class JsonReader {
  /** The offset of each map. */
  readonly offsets = new WeakMap<object, number>()
  readonly #text: string
  #valuesLeft: number
  #at = 0

  constructor(text: string, maxValues: number) {
    this.#text = text
    this.#valuesLeft = maxValues
  }

  readAll(): YamlValue[] {
    const values: YamlValue[] = []
    for (this.#skipSpace(); this.#at < this.#text.length; this.#skipSpace()) values.push(this.#readValue(0))
    if (values.length === 0) throw new JsonFailure(0, 'the file is empty')
    return values
  }

  #readValue(depth: number): YamlValue {
    this.#skipSpace()
    if (this.#valuesLeft-- === 0) throw new JsonFailure(this.#at, 'it has too many values')
    const character = this.#text[this.#at]
    if (character === '"') return this.#readString()
    if (character !== '{' && character !== '[') return this.#readLiteral()
    if (depth === MAX_YAML_DEPTH)
      throw new JsonFailure(this.#at, `it is nested deeper than ${MAX_YAML_DEPTH} levels`)
    return character === '{' ? this.#readMap(depth + 1) : this.#readList(depth + 1)
  }

  #readMap(depth: number): YamlMap {
    const map = new Map<string, YamlValue>()
    this.offsets.set(map, this.#at++)
    if (this.#takes('}')) return map
    do {
      this.#skipSpace()
      if (this.#text[this.#at] !== '"') throw this.#unexpected('a key in quotes')
      const key = this.#readString()
      if (!this.#takes(':')) throw this.#unexpected('":"')
      map.set(key, this.#readValue(depth))
    } while (this.#takes(','))
    if (!this.#takes('}')) throw this.#unexpected('"," or "}"')
    return map
  }

  #readList(depth: number): YamlValue[] {
    const list: YamlValue[] = []
    this.#at++
    if (this.#takes(']')) return list
    do list.push(this.#readValue(depth))
    while (this.#takes(','))
    if (!this.#takes(']')) throw this.#unexpected('"," or "]"')
    return list
  }

  #readString(): string {
    const start = this.#at
    let end = this.#text.indexOf('"', start + 1)
    while (end >= 0 && isEscaped(this.#text, end)) end = this.#text.indexOf('"', end + 1)
    if (end < 0) throw new JsonFailure(start, 'a quote is not closed')
    this.#at = end + 1
    const content = this.#text.slice(start + 1, end)
    if (!content.includes('\\')) return content
    try {
      // Some tools write line feeds and tabs without escapes.
      return JSON.parse(
        `"${content.replace(/\p{Cc}/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`,
      ) as string
    } catch {
      throw new JsonFailure(start, 'a text has an invalid escape')
    }
  }

  #readLiteral(): YamlValue {
    literal.lastIndex = this.#at
    const [text] = literal.exec(this.#text) ?? []
    if (text === undefined) throw this.#unexpected('a value')
    this.#at += text.length
    return text === 'null' ? null : new PlainText(text)
  }

  /** Skips a character after white space, if it is the next one. */
  #takes(character: string): boolean {
    this.#skipSpace()
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #skipSpace(): void {
    space.lastIndex = this.#at
    space.exec(this.#text)
    this.#at = space.lastIndex
  }

  #unexpected(expected: string): JsonFailure {
    const found = this.#at < this.#text.length ? JSON.stringify(this.#text[this.#at]) : 'the end of the file'
    return new JsonFailure(this.#at, `it is not JSON: ${expected} is expected (got ${found})`)
  }
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0
  while (text[at - 1 - backslashes] === '\\') backslashes++
  return backslashes % 2 === 1
}
