import { isYamlList, isYamlMap, PlainText, textOf, type YamlMap, type YamlValue } from './yaml-value.ts'

/** The outcome for a tag that says something unknown about its value. */
export const unknownTag = Symbol('unknown tag')

/** What YAML and PyYAML call the kinds of values that need no tag. */
const plainTags =
  /^(?:tag:yaml\.org,2002:(?:str|null|bool|int|float|timestamp|binary|seq|map|set|omap|pairs|merge|python\/(?:str|unicode|none|bool|int|long|float|list|tuple|dict))|!)$/

const objectTag = /^tag:yaml\.org,2002:python\/object(?:\/apply|\/new)?:(?:.*\.)?(\w+)$/

/**
 * Reads what stands under a tag as PyYAML, which VCR.py writes with, means it. Python objects are read where they hold a
 * text (the header names of aiohttp), bytes (uploads) or headers.
 */
export function readTagged(tag: string, value: YamlValue): YamlValue | typeof unknownTag {
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
