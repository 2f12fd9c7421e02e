import type { Alias, Node, Scalar } from 'yaml'
import { lineAndColumn, MAX_YAML_DEPTH, parseYaml, yaml } from '../config/parse-yaml.ts'
import { shortText } from '../lib/error-text.ts'
import {
  isYamlList,
  isYamlMap,
  plainScalar,
  textOf,
  type YamlMap,
  type YamlValue,
  PlainText,
} from './yaml-value.ts'
import { indentQuotedLines, readDoubleQuoted } from './yaml-quoted.ts'

/** A problem in a YAML text. Lines count from 1. */
export interface YamlProblem {
  readonly line: number
  /** A sentence without a full stop. */
  readonly reason: string
  /** Whether the text has an alias without its anchor, which may be elsewhere in the file. */
  readonly refers?: boolean
}

/** A value, or the first problem. */
export type FullRead =
  | {
      readonly value: YamlValue
      /** Unsupported tags and keys, which are ignored. */
      readonly parseWarnings: readonly YamlProblem[]
      /** The first line of a map in the value. */
      readonly lineOf: (map: YamlMap) => number
    }
  | { readonly problem: YamlProblem }

/** PyYAML's tag for bytes, which the core schema lacks. */
const binaryTag = {
  tag: 'tag:yaml.org,2002:binary',
  default: false,
  resolve: (readTextObject: string) => Buffer.from(readTextObject, 'base64'),
} as const

/** The tag of Psych, the YAML library of Ruby, for bytes. */
const rubyBinaryTag = { ...binaryTag, tag: '!binary' } as const

/** The options of the parser. */
export const yamlOptions: Parameters<typeof parseYaml>[1] = {
  merge: true,
  strict: false,
  logLevel: 'silent',
  customTags: [binaryTag, rubyBinaryTag],
}

/**
 * Reads any YAML text like PyYAML: the last of duplicate keys is used, lines of quoted text may begin with tabs, and Python objects
 * that contain text, bytes or headers are converted to these.
 */
export function readFullYaml(text: string, maxLexemes?: number): FullRead {
  let parsed = parseYaml(text, yamlOptions, maxLexemes)
  if ('errors' in parsed) {
    // Unlike PyYAML, the parser requires spaces at the start of each line of a quoted text.
    const indented = indentQuotedLines(text)
    const parsedAgain = indented === text ? parsed : parseYaml(indented, yamlOptions, maxLexemes)
    if ('document' in parsedAgain) return new Converter(indented).read(parsedAgain.document.contents)
    const [{ line, reason }] = parsed.errors
    return { problem: { line, reason } }
  }
  return new Converter(text).read(parsed.document.contents)
}

/** Aborts the reading of a text. */
class ReadFailure extends Error {
  readonly node: Node
  readonly refers: boolean

  constructor(node: Node, reason: string, refers = false) {
    super(reason)
    this.node = node
    this.refers = refers
  }
}

/** The value of an anchor. */
interface AnchorValue {
  readonly value: YamlValue
  readonly weight: number
  /** Number of levels below it. */
  readonly height: number
}

/** Weight of a node, in characters. */
const NODE_WEIGHT = 64

/** Maximum total weight of all aliases, in characters: a million nodes. Ten lines of nested aliases can expand to 10^10 nodes. */
const MAX_REPEATED_WEIGHT = 64 * 1024 * 1024

/** Maximum number of reported warnings. */
const MAX_PARSE_WARNINGS = 20

/** Converts the nodes of one document to values, in order. */
class Converter {
  readonly #text: string
  readonly #anchors = new Map<string, AnchorValue | 'unfinished'>()
  readonly #parseWarnings: YamlProblem[] = []
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
      return { value, parseWarnings: this.#parseWarnings, lineOf }
    } catch (error) {
      if (!(error instanceof ReadFailure)) throw error
      const line = this.#lineAt(error.node.range?.[0] ?? 0)
      return { problem: { line, refers: error.refers, reason: error.message } }
    }
  }

  #convert(node: Node | null, depth: number): YamlValue {
    if (!node) return null
    if (depth > MAX_YAML_DEPTH)
      throw new ReadFailure(node, `it is nested deeper than ${MAX_YAML_DEPTH} levels`)
    this.#deepest = Math.max(this.#deepest, depth)
    this.#weight += NODE_WEIGHT
    if (yaml().isAlias(node)) return this.#repeat(node, depth)
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
    if (!anchored) throw new ReadFailure(alias, `the anchor &${name} is not defined`, true)
    if (anchored === 'unfinished')
      throw new ReadFailure(alias, `the anchor &${name} contains itself. Write its value instead of *${name}`)
    const { value, weight, height } = anchored
    if (depth + height > MAX_YAML_DEPTH)
      throw new ReadFailure(alias, `with *${name} it is nested deeper than ${MAX_YAML_DEPTH} levels`)
    this.#deepest = Math.max(this.#deepest, depth + height)
    this.#weight += weight
    this.#repeatedWeight += weight
    if (this.#repeatedWeight > MAX_REPEATED_WEIGHT)
      throw new ReadFailure(
        alias,
        `the aliases up to *${name} repeat more than 64 MB. Write the values instead`,
      )
    return value
  }

  #convertContent(node: Node, depth: number): YamlValue {
    const value = this.#withoutTag(node, depth)
    const { tag } = node
    if (tag === undefined) return value
    const read = readTagged(tag, value)
    if (read !== unknownTag) return read
    this.#warn(node, `the tag ${shortText(tag.replace('tag:yaml.org,2002:', '!!'))} is unknown`)
    return value
  }

  #withoutTag(node: Node, depth: number): YamlValue {
    if (yaml().isScalar(node)) return this.#convertScalar(node)
    if (yaml().isSeq<Node>(node)) return node.items.map((item) => this.#convert(item, depth + 1))
    if (!yaml().isMap<Node, Node | null>(node)) return null
    const map = new Map<string, YamlValue>()
    const merged = new Map<string, YamlValue>()
    for (const { key, value } of node.items) {
      const name = this.#keyOf(key, depth + 1)
      const converted = this.#convert(value, depth + 1)
      // Merged values have a lower priority than the keys of the map itself.
      if (name === '<<' && yaml().isScalar(key) && key.type === 'PLAIN' && this.#merge(converted, merged))
        continue
      if (map.has(name))
        this.#warn(key, `the key "${shortText(name)}" is duplicated, and only the last value is used`)
      map.set(name, converted)
    }
    const complete = merged.size === 0 ? map : new Map([...merged, ...map])
    this.#offsets.set(complete, node.range?.[0] ?? 0)
    return complete
  }

  /** In a list of maps, the first map with a key has priority. */
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
    // PyYAML writes the keys null and true without quotes.
    if (yaml().isScalar(key) && key.source) return key.source
    this.#warn(key, 'a key is not a string')
    const { line, column } = lineAndColumn(this.#text, offset)
    return `(key on line ${line}, column ${column})`
  }

  #convertScalar({ value, type, source, tag, range }: Scalar): YamlValue {
    if (value instanceof Uint8Array) {
      this.#weight += value.length
      return value
    }
    const quoted = type === 'QUOTE_DOUBLE' && range ? this.#text.slice(range[0] + 1, range[1] - 1) : ''
    // The parser drops empty lines after an escaped line break, which PyYAML keeps.
    if (/\\\n[ \t]*\n/.test(quoted)) return readDoubleQuoted(quoted) ?? ''
    const text = typeof value === 'string' && type !== 'PLAIN' ? value : (source ?? '')
    this.#weight += text.length
    return type === 'PLAIN' && !isTextTag(tag) ? plainScalar(text) : text
  }

  #warn(node: Node | null, reason: string): void {
    if (this.#parseWarnings.length < MAX_PARSE_WARNINGS)
      this.#parseWarnings.push({ line: this.#lineAt(node?.range?.[0] ?? 0), reason })
  }

  #lineAt(offset: number): number {
    return lineAndColumn(this.#text, offset).line
  }
}

function isTextTag(tag: string | undefined): boolean {
  return tag !== undefined && /:(?:str|python\/str|python\/unicode)$/.test(tag)
}

/** Result for an unknown tag. */
const unknownTag = Symbol('unknown tag')

/** Tags of YAML, PyYAML and Psych for values that need no conversion. */
const plainTags =
  /^(?:tag:yaml\.org,2002:(?:str|null|bool|int|float|timestamp|binary|seq|map|set|omap|pairs|merge|python\/(?:str|unicode|none|bool|int|long|float|list|tuple|dict))|!|!binary|!str|!ruby\/(?:hash|string|sym|symbol)(?::.*)?)$/

const objectTag = /^tag:yaml\.org,2002:python\/object(?:\/apply|\/new)?:(?:.*\.)?(\w+)$/

/**
 * Converts a value with a tag of PyYAML, which VCR.py uses. Supports Python objects that contain text (header names of aiohttp),
 * bytes (uploads) or headers.
 */
function readTagged(tag: string, value: YamlValue): YamlValue | typeof unknownTag {
  if (plainTags.test(tag)) return value
  if (tag === 'tag:yaml.org,2002:python/bytes') return bytesOf(value)
  const [, name = ''] = objectTag.exec(tag) ?? []
  return objectReaders[name]?.(value) ?? unknownTag
}

type Read = (value: YamlValue) => YamlValue | undefined

const text: Read = (value) => {
  const args = argumentsOf(value)
  const [first = null] = args
  return args.length === 1 && textOf(first) !== undefined ? first : undefined
}

/** A file in memory. Its content is the first element of its state, or its argument. */
const content: Read = (value) => {
  const state = isYamlMap(value) ? value.get('state') : undefined
  const [first = null] = isYamlList(state) ? state : argumentsOf(value)
  return first instanceof Uint8Array || textOf(first) !== undefined ? first : undefined
}

/** Headers: a list of pairs, or a map from lower-case names to pairs of original name and value. */
const headers: Read = (value) => {
  const args = argumentsOf(value)
  if (args.length === 0 && !isYamlMap(value)) return new Map()
  const [first = null] = args
  const store = isYamlMap(value)
    ? (value.get('_store') ?? value.get('_headers') ?? value.get('_list'))
    : first
  if (isYamlMap(store)) {
    const pairs = [...store.values()]
    return pairs.every(isYamlList) ? mapOfPairs(pairs) : store
  }
  return isYamlList(store) && store.every(isYamlList) ? mapOfPairs(store) : undefined
}

const objectReaders: Readonly<Record<string, Read>> = {
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

/** The arguments of the constructor: a list, or a map with the list. */
function argumentsOf(value: YamlValue): readonly YamlValue[] {
  const args = isYamlMap(value) ? (value.get('args') ?? null) : value
  return isYamlList(args) ? args : args instanceof PlainText || typeof args === 'string' ? [args] : []
}

/** A pair is a name and a value; a triple is a name, the name in lower case, and a value. */
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
