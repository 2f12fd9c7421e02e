import { isAlias, isMap, isScalar, isSeq, Scalar, type Alias, type Node } from 'yaml'
import { lineAndColumn, MAX_YAML_DEPTH, parseYaml } from '../config/parse-yaml.ts'
import { shortText } from '../lib/error-text.ts'
import { isYamlList, isYamlMap, plainScalar, textOf, type YamlMap, type YamlValue, PlainText } from './yaml-value.ts'
import { indentQuotedLines, readDoubleQuoted } from './yaml-quoted.ts'

/** A place in a YAML text and what is wrong there; lines count from 1. */
export interface YamlFault {
  readonly line: number
  /** A sentence without its full stop. */
  readonly reason: string
  /** Whether the text refers to an anchor that stands elsewhere. */
  readonly refers?: boolean
}

/** A value, or the first thing that is wrong. */
export type FullRead =
  | {
      readonly value: YamlValue
      /** What could not be understood, and is read as if it were not there. */
      readonly doubts: readonly YamlFault[]
      /** The line on which a map of the value begins. */
      lineOf(map: YamlMap): number
    }
  | { readonly fault: YamlFault }

/** PyYAML's tag for bytes; read here, because the core schema lacks it. */
const binaryTag = {
  tag: 'tag:yaml.org,2002:binary',
  default: false,
  resolve: (text: string) => Buffer.from(text, 'base64'),
} as const

const options: Parameters<typeof parseYaml>[1] = {
  merge: true,
  strict: false,
  logLevel: 'silent',
  customTags: [binaryTag],
}

/**
 * Reads any YAML text as PyYAML does: of equal keys the last one counts, quoted lines may begin with tabs, and objects of
 * Python that hold a text, bytes or headers are read as that.
 */
export function readFullYaml(text: string, maxLexemes?: number): FullRead {
  let parsed = parseYaml(text, options, maxLexemes)
  if ('errors' in parsed) {
    // Unlike PyYAML, the parser wants spaces in front of each line of a quoted text.
    const indented = indentQuotedLines(text)
    const again = indented === text ? parsed : parseYaml(indented, options, maxLexemes)
    if ('document' in again) return new Converter(indented).read(again.document.contents)
    const [{ line, reason }] = parsed.errors
    return { fault: { line, reason } }
  }
  return new Converter(text).read(parsed.document.contents)
}

/** Ends the reading of a text. */
class ReadFailure extends Error {
  readonly node: Node
  readonly refers: boolean

  constructor(node: Node, reason: string, refers = false) {
    super(reason)
    this.node = node
    this.refers = refers
  }
}

/** What an anchor stands for, once it has been read. */
interface Anchored {
  readonly value: YamlValue
  readonly weight: number
  /** Levels below it. */
  readonly height: number
}

/** What each node weighs, in characters. */
const NODE_WEIGHT = 64

/** How much aliases may repeat in all, in characters: a million nodes. Ten lines of aliases to aliases are worth 10^10. */
const MAX_REPEATED_WEIGHT = 64 * 1024 * 1024

/** Doubts that are told one by one. */
const MAX_DOUBTS = 20

/** Makes values of the nodes of one document, in its order. */
class Converter {
  readonly #text: string
  readonly #anchors = new Map<string, Anchored | 'unfinished'>()
  readonly #doubts: YamlFault[] = []
  readonly #offsets = new WeakMap<object, number>()
  #weight = 0
  #repeatedWeight = 0
  #deepest = 0

  constructor(text: string) {
    this.#text = text
  }

  read(root: Node | null): FullRead {
    try {
      const value = this.#convert(root, 0)
      const lineOf = (map: YamlMap): number => this.#lineAt(this.#offsets.get(map) ?? 0)
      return { value, doubts: this.#doubts, lineOf }
    } catch (error) {
      if (!(error instanceof ReadFailure)) throw error
      const line = this.#lineAt(error.node.range?.[0] ?? 0)
      return { fault: { line, refers: error.refers, reason: error.message } }
    }
  }

  #convert(node: Node | null, depth: number): YamlValue {
    if (!node) return null
    if (depth > MAX_YAML_DEPTH)
      throw new ReadFailure(node, `it is nested deeper than ${MAX_YAML_DEPTH} levels`)
    this.#deepest = Math.max(this.#deepest, depth)
    this.#weight += NODE_WEIGHT
    if (isAlias(node)) return this.#repeat(node, depth)
    const { anchor } = node as Node & { readonly anchor?: string }
    if (anchor === undefined) return this.#convertContent(node, depth)
    const [weight, deepest] = [this.#weight, this.#deepest]
    this.#deepest = depth
    this.#anchors.set(anchor, 'unfinished')
    const value = this.#convertContent(node, depth)
    this.#anchors.set(anchor, {
      value,
      weight: this.#weight - weight + NODE_WEIGHT,
      height: this.#deepest - depth,
    })
    this.#deepest = Math.max(this.#deepest, deepest)
    return value
  }

  #repeat(alias: Alias, depth: number): YamlValue {
    const name = shortText(alias.source)
    const anchored = this.#anchors.get(alias.source)
    if (!anchored) throw new ReadFailure(alias, `nothing is called &${name}`, true)
    if (anchored === 'unfinished')
      throw new ReadFailure(alias, `&${name} holds itself. Write out what *${name} should stand for`)
    const { value, weight, height } = anchored
    if (depth + height > MAX_YAML_DEPTH)
      throw new ReadFailure(alias, `with *${name} it is nested deeper than ${MAX_YAML_DEPTH} levels`)
    this.#deepest = Math.max(this.#deepest, depth + height)
    this.#weight += weight
    this.#repeatedWeight += weight
    if (this.#repeatedWeight > MAX_REPEATED_WEIGHT)
      throw new ReadFailure(
        alias,
        `with *${name} its aliases repeat more than 64 MB. Write out what they stand for`,
      )
    return value
  }

  #convertContent(node: Node, depth: number): YamlValue {
    const value = this.#withoutTag(node, depth)
    const { tag } = node
    if (tag === undefined) return value
    const read = readTagged(tag, value)
    if (read !== unknownTag) return read
    this.#doubt(node, `the tag ${shortText(tag.replace('tag:yaml.org,2002:', '!!'))} is not known`)
    return value
  }

  #withoutTag(node: Node, depth: number): YamlValue {
    if (isScalar(node)) return this.#convertScalar(node)
    if (isSeq<Node>(node)) return node.items.map((item) => this.#convert(item, depth + 1))
    if (!isMap<Node, Node | null>(node)) return null
    const map = new Map<string, YamlValue>()
    const merged = new Map<string, YamlValue>()
    for (const { key, value } of node.items) {
      const name = this.#keyOf(key, depth + 1)
      const converted = this.#convert(value, depth + 1)
      // A merge key gives what the map itself does not say.
      if (name === '<<' && isScalar(key) && key.type === Scalar.PLAIN && this.#merge(converted, merged))
        continue
      if (map.has(name))
        this.#doubt(key, `the key "${shortText(name)}" stands twice, and only the last one counts`)
      map.set(name, converted)
    }
    const whole = merged.size === 0 ? map : new Map([...merged, ...map])
    this.#offsets.set(whole, node.range?.[0] ?? 0)
    return whole
  }

  /** The first one of a list of maps counts. */
  #merge(value: YamlValue, into: Map<string, YamlValue>): boolean {
    const maps = isYamlList(value) ? value : [value]
    if (!maps.every(isYamlMap)) return false
    for (const map of maps) for (const [name, item] of map) if (!into.has(name)) into.set(name, item)
    return true
  }

  #keyOf(key: Node | null, depth: number): string {
    const value = this.#convert(key, depth)
    if (value instanceof Uint8Array) return Buffer.from(value).toString()
    const text = textOf(value)
    if (text !== undefined) return text
    const offset = key?.range?.[0] ?? 0
    // Of PyYAML, null and true are keys without quotes.
    if (isScalar(key) && key.source) return key.source
    this.#doubt(key, 'a key is not a text')
    const { line, column } = lineAndColumn(this.#text, offset)
    return `(key on line ${line}, column ${column})`
  }

  #convertScalar({ value, type, source, tag, range }: Scalar): YamlValue {
    if (value instanceof Uint8Array) {
      this.#weight += value.length
      return value
    }
    const quoted = type === Scalar.QUOTE_DOUBLE && range ? this.#text.slice(range[0] + 1, range[1] - 1) : ''
    // Here the parser loses empty lines, which PyYAML keeps.
    if (/\\\n[ \t]*\n/.test(quoted)) return readDoubleQuoted(quoted) ?? ''
    const text = typeof value === 'string' && type !== Scalar.PLAIN ? value : (source ?? '')
    this.#weight += text.length
    return type === Scalar.PLAIN && !isTextTag(tag) ? plainScalar(text) : text
  }

  #doubt(node: Node | null, reason: string): void {
    if (this.#doubts.length < MAX_DOUBTS)
      this.#doubts.push({ line: this.#lineAt(node?.range?.[0] ?? 0), reason })
  }

  #lineAt(offset: number): number {
    return lineAndColumn(this.#text, offset).line
  }
}

function isTextTag(tag: string | undefined): boolean {
  return tag !== undefined && /:(?:str|python\/str|python\/unicode)$/.test(tag)
}

/** The outcome for a tag that says something unknown about its value. */
const unknownTag = Symbol('unknown tag')

/** What YAML and PyYAML call the kinds of values that need no tag. */
const plainTags =
  /^(?:tag:yaml\.org,2002:(?:str|null|bool|int|float|timestamp|binary|seq|map|set|omap|pairs|merge|python\/(?:str|unicode|none|bool|int|long|float|list|tuple|dict))|!)$/

const objectTag = /^tag:yaml\.org,2002:python\/object(?:\/apply|\/new)?:(?:.*\.)?(\w+)$/

/**
 * Reads what stands under a tag as PyYAML, which VCR.py writes with, means it. Python objects are read where they hold a
 * text (the header names of aiohttp), bytes (uploads) or headers.
 */
function readTagged(tag: string, value: YamlValue): YamlValue | typeof unknownTag {
  if (plainTags.test(tag)) return value
  if (tag === 'tag:yaml.org,2002:python/bytes') return bytesOf(value)
  const [, name = ''] = objectTag.exec(tag) ?? []
  return readers[name]?.(value) ?? unknownTag
}

type Read = (value: YamlValue) => YamlValue | undefined

const text: Read = (value) => {
  const given = argumentsOf(value)
  const [first = null] = given
  return given.length === 1 && textOf(first) !== undefined ? first : undefined
}

/** A file in memory has its content at the head of its state, or as its argument. */
const content: Read = (value) => {
  const state = isYamlMap(value) ? value.get('state') : undefined
  const [first = null] = isYamlList(state) ? state : argumentsOf(value)
  return first instanceof Uint8Array || textOf(first) !== undefined ? first : undefined
}

/** The names and values of headers: a list of pairs, or a map that has the names in lower case and in their own. */
const headers: Read = (value) => {
  const given = argumentsOf(value)
  if (given.length === 0 && !isYamlMap(value)) return new Map()
  const [first = null] = given
  const store = isYamlMap(value)
    ? (value.get('_store') ?? value.get('_headers') ?? value.get('_list'))
    : first
  if (isYamlMap(store)) {
    const pairs = [...store.values()]
    return pairs.every(isYamlList) ? mapOfPairs(pairs) : store
  }
  return isYamlList(store) && store.every(isYamlList) ? mapOfPairs(store) : undefined
}

const readers: Readonly<Record<string, Read>> = {
  istr: text,
  upstr: text,
  str: text,
  HTTPStatus: text,
  BytesIO: content,
  StringIO: content,
  CIMultiDict: headers,
  MultiDict: headers,
  CIMultiDictProxy: headers,
  OrderedDict: headers,
  CaseInsensitiveDict: headers,
  HTTPMessage: headers,
  Headers: headers,
}

/** What is handed to the class: a list, or a map with the list. */
function argumentsOf(value: YamlValue): readonly YamlValue[] {
  const given = isYamlMap(value) ? (value.get('args') ?? null) : value
  return isYamlList(given) ? given : given instanceof PlainText || typeof given === 'string' ? [given] : []
}

/** The last of a pair is its value; of three, the name comes in its own form first and in lower case next. */
function mapOfPairs(pairs: readonly (readonly YamlValue[])[]): YamlMap | undefined {
  const map = new Map<string, YamlValue[]>()
  for (const pair of pairs) {
    const name = keyText(pair[0])
    if (name === undefined || pair.length < 2 || pair.length > 3) return undefined
    const values = map.get(name) ?? []
    map.set(name, values)
    values.push(pair.at(-1) ?? null)
  }
  return map
}

function keyText(value: YamlValue | undefined): string | undefined {
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : textOf(value)
}

function bytesOf(value: YamlValue): YamlValue | typeof unknownTag {
  const base64 = textOf(value)
  return base64 === undefined ? unknownTag : Buffer.from(base64, 'base64')
}
