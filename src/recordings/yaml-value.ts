import { MAX_YAML_DEPTH } from '../config/parse-yaml.ts'

/** An unquoted number or boolean with its original text: the header value `1.10` stays `1.10`. */
export class PlainText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** The value of a YAML node. Numbers and booleans keep their original text. */
export type YamlValue = null | string | PlainText | Uint8Array | readonly YamlValue[] | YamlMap

/** A map in the order of the file. The last of duplicate keys is used, like in PyYAML. */
export type YamlMap = ReadonlyMap<string, YamlValue>

/** Whether a value is a map. */
export function isYamlMap(value: YamlValue | undefined): value is YamlMap {
  return value instanceof Map
}

/** Whether a value is a list. */
export function isYamlList(value: YamlValue | undefined): value is readonly YamlValue[] {
  return Array.isArray(value)
}

const nullWords = new Set(['', '~', 'null', 'Null', 'NULL'])
const numeric = /^[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i
const boolean = /^(?:true|false)$/i

/** The value of a scalar without quotes. */
export function plainScalar(text: string): null | string | PlainText {
  if (nullWords.has(text)) return null
  return numeric.test(text) || boolean.test(text) ? new PlainText(text) : text
}

/** The text of a scalar; undefined for null, bytes, lists and maps. */
export function textOf(value: YamlValue | undefined): string | undefined {
  if (typeof value === 'string') return value
  return value instanceof PlainText ? value.text : undefined
}

/** The number of a scalar, quoted or not; undefined if it is not a number. */
export function numberOf(value: YamlValue | undefined): number | undefined {
  const text = textOf(value)
  return text !== undefined && numeric.test(text) ? Number(text.replaceAll('_', '')) : undefined
}

/** Converts a value to JSON; bytes become base64. */
export function toJson(value: YamlValue): unknown {
  if (value === null || typeof value === 'string') return value
  if (value instanceof PlainText) return plainJson(value.text)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (isYamlMap(value)) return Object.fromEntries([...value].map(([key, item]) => [key, toJson(item)]))
  return value.map(toJson)
}

/**
 * Converts a JSON value to a YAML value.
 *
 * @throws {RangeError} if the value is nested deeper than `maxDepth` levels
 */
export function fromJson(value: unknown, maxDepth = MAX_YAML_DEPTH): YamlValue {
  if (value === null || typeof value === 'string') return value
  if (typeof value !== 'object') return new PlainText(JSON.stringify(value) ?? 'null')
  if (maxDepth === 0) throw new RangeError(`It is nested deeper than ${MAX_YAML_DEPTH} levels.`)
  if (Array.isArray(value)) return value.map((item) => fromJson(item, maxDepth - 1))
  return new Map(Object.entries(value).map(([key, item]) => [key, fromJson(item, maxDepth - 1)]))
}

function plainJson(text: string): unknown {
  if (boolean.test(text)) return text.toLowerCase() === 'true'
  return Number(text.replaceAll('_', ''))
}
