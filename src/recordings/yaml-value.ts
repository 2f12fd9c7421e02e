import { MAX_YAML_DEPTH } from '../config/parse-yaml.ts'

/** A number or a word such as `true` that stood without quotes, as it was written: `1.10` as a header stays `1.10`. */
export class PlainText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** What a YAML node holds: null, text, bytes, a list or a map. What looks like a number is kept as it was written. */
export type YamlValue = null | string | PlainText | Uint8Array | readonly YamlValue[] | YamlMap

/** A map in the order of the file; of equal keys the last one counts, as for PyYAML. */
export type YamlMap = ReadonlyMap<string, YamlValue>

/** Whether a value is a map. */
export function isYamlMap(value: YamlValue | undefined): value is YamlMap {
  return value instanceof Map
}

/** Whether a value is a list. */
export function isYamlList(value: YamlValue | undefined): value is readonly YamlValue[] {
  return Array.isArray(value)
}

const nothing = new Set(['', '~', 'null', 'Null', 'NULL'])
const numeric = /^[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i
const boolean = /^(?:true|false)$/i

/** What a scalar without quotes stands for. */
export function plainScalar(text: string): null | string | PlainText {
  if (nothing.has(text)) return null
  return numeric.test(text) || boolean.test(text) ? new PlainText(text) : text
}

/** The text of a scalar; undefined for null, bytes, lists and maps. */
export function textOf(value: YamlValue | undefined): string | undefined {
  if (typeof value === 'string') return value
  return value instanceof PlainText ? value.text : undefined
}

/** The number that a scalar holds, in quotes or not; undefined when it holds none. */
export function numberOf(value: YamlValue | undefined): number | undefined {
  const text = textOf(value)
  return text !== undefined && numeric.test(text) ? Number(text.replaceAll('_', '')) : undefined
}

/** The value as JSON has it; bytes become base64. */
export function toJson(value: YamlValue): unknown {
  if (value === null || typeof value === 'string') return value
  if (value instanceof PlainText) return plainJson(value.text)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (isYamlMap(value)) return Object.fromEntries([...value].map(([key, item]) => [key, toJson(item)]))
  return value.map(toJson)
}

/**
 * The YAML value of what JSON can hold.
 *
 * @throws {RangeError} for a value that is nested deeper than `maxDepth` levels
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
