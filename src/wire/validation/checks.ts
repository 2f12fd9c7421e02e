import { isRecord } from '../../lib/record.ts'
import {
  createFault,
  notOneOf,
  outOfBounds,
  plainFault,
  quotedList,
  wrongPrefix,
  wrongType,
  type Check,
  abbreviated,
  prefixPath,
  type Fault,
  missing,
  type JsonObject,
} from './fault.ts'

/** Maximum length of content and input, in characters (from the service's "string too long"). */
const MAX_CONTENT_LENGTH = 10_485_760

/** Accepts any value. For fields that the service accepts and the simulator does not use. */
export const anything: Check = () => undefined

/** Accepts true and false. */
export const boolean: Check = (value) =>
  typeof value === 'boolean' ? undefined : wrongType('a boolean', value)

/** Accepts integers from `min` to `max` (inclusive). */
export function integerBetween(min: number, max: number): Check {
  return (value) => {
    if (typeof value !== 'number' || !Number.isInteger(value)) return wrongType('an integer', value)
    return value < min || value > max ? outOfRange('integer', value, min, max) : undefined
  }
}

/** Accepts any integer. */
export const integer = integerBetween(-Infinity, Infinity)

/** Accepts numbers from `min` to `max` (inclusive). */
export function decimalBetween(min: number, max: number): Check {
  return (value) => {
    if (typeof value !== 'number') return wrongType('a decimal', value)
    return value < min || value > max ? outOfRange('decimal', value, min, max) : undefined
  }
}

function outOfRange(kind: 'integer' | 'decimal', value: number, min: number, max: number) {
  return value < min
    ? outOfBounds(
        `${kind}_below_min_value`,
        `${kind} below minimum value`,
        `a value >= ${min}, but got ${value}`,
      )
    : outOfBounds(
        `${kind}_above_max_value`,
        `${kind} above maximum value`,
        `a value <= ${max}, but got ${value}`,
      )
}

/** Conditions for a string. */
export interface TextLimits {
  /** 1 rejects the empty string; default 0. */
  readonly minLength?: 0 | 1
  /** In UTF-16 units; default no limit. */
  readonly maxLength?: number
  /** Must match the whole string. The message contains the pattern. Use with `maxLength`. */
  readonly pattern?: RegExp
}

/** Accepts strings. */
export function text({ minLength = 0, maxLength = Infinity, pattern }: TextLimits = {}): Check {
  return (value) => {
    if (typeof value !== 'string') return wrongType('a string', value)
    if (value.length < minLength) {
      return outOfBounds(
        'empty_string',
        'empty string',
        'a string with minimum length 1, but got an empty string',
      )
    }
    if (value.length > maxLength) {
      return outOfBounds(
        'string_above_max_length',
        'string too long',
        `a string with maximum length ${maxLength}, but got a string with length ${value.length}`,
      )
    }
    if (pattern !== undefined && !pattern.test(value)) {
      return createFault(
        'invalid_value',
        (path) =>
          `Invalid '${path}': string does not match pattern. Expected a string that matches the pattern '${pattern.source}'.`,
      )
    }
    return undefined
  }
}

/** Accepts ids with the given prefix. */
export function idOf(prefix: string): Check {
  const anyText = text()
  return (value) => {
    const fault = anyText(value)
    if (fault) return fault
    const id = value as string
    return id.startsWith(prefix) ? undefined : wrongPrefix(id, prefix)
  }
}

/** Accepts text for the model. */
export const contentText = text({ maxLength: MAX_CONTENT_LENGTH })

/** Accepts the given strings. */
export function oneOf(...supported: readonly string[]): Check {
  return (value) => {
    if (typeof value !== 'string') return wrongType(`one of ${quotedList(supported, 'or')}`, value)
    return supported.includes(value) ? undefined : notOneOf(value, supported)
  }
}

/** Rejects any value of a parameter that the model does not support. The message ends with `hint`. */
export function unsupported(hint = ''): Check {
  return () =>
    createFault(
      'unsupported_parameter',
      (path) => `Unsupported parameter: '${path}' is not supported with this model.${hint}`,
    )
}

/** Conditions for an array. */
export interface ArrayLimits {
  /** The expected type in the message for a wrong type: "an array of objects". */
  readonly expected: string
  /** 1 rejects the empty array; default 0. */
  readonly min?: 0 | 1
  /** Maximum number of items; default no limit. */
  readonly max?: number
}

/** Accepts arrays if `item` accepts all items. Reports the first fault, but a fault with `last` only if there is no other. */
export function arrayOf(item: Check, { expected, min = 0, max = Infinity }: ArrayLimits): Check {
  return (value) => {
    if (!Array.isArray(value)) return wrongType(expected, value)
    const { length } = value
    if (length < min || length > max) return wrongLength(length, max)
    let last: Fault | undefined
    for (let i = 0; i < length; i++) {
      const fault = item(value[i])
      if (fault === undefined) continue
      if (fault.last !== true) return prefixPath(`[${i}]`, fault)
      last ??= prefixPath(`[${i}]`, fault)
    }
    return last
  }
}

function wrongLength(length: number, max: number): Fault {
  if (length === 0) {
    return outOfBounds('empty_array', 'empty array', 'an array with minimum length 1, but got an empty array')
  }
  return outOfBounds(
    'array_above_max_length',
    'array too long',
    `an array with maximum length ${max}, but got an array with length ${length}`,
  )
}

/** Accepts strings or arrays, each with a separate check. `expected` is the expected type in the message for other types. */
export function textOrArray(expected: string, text: Check, array: Check): Check {
  return (value) => {
    if (typeof value === 'string') return text(value)
    return Array.isArray(value) ? array(value) : wrongType(expected, value)
  }
}

/** Accepts strings or objects, like `textOrArray`. */
export function textOrObject(expected: string, text: Check, object: Check): Check {
  return (value) => {
    if (typeof value === 'string') return text(value)
    return isRecord(value) ? object(value) : wrongType(expected, value)
  }
}

/** Conditions for an object with arbitrary keys. */
export interface MapLimits {
  /** The expected type in the message for a wrong type: "a metadata object". */
  readonly expected: string
  /** Maximum number of keys; default no limit. */
  readonly maxKeys?: number
  /** Maximum length of a key; default no limit. */
  readonly maxKeyLength?: number
}

/** Accepts objects if `item` accepts all values. */
export function mapOf(item: Check, limits: MapLimits): Check {
  const { expected, maxKeys = Infinity, maxKeyLength = Infinity } = limits
  return (value) => {
    if (!isRecord(value)) return wrongType(expected, value)
    const keys = Object.keys(value)
    if (keys.length > maxKeys) {
      return outOfBounds(
        'object_above_max_properties',
        'too many properties',
        `an object with at most ${maxKeys} properties, but got an object with ${keys.length} properties`,
      )
    }
    for (const key of keys) {
      const fault = key.length > maxKeyLength ? keyTooLong(key, maxKeyLength) : item(value[key])
      if (fault !== undefined) return prefixPath(`.${key}`, fault)
    }
    return undefined
  }
}

function keyTooLong(key: string, max: number): Fault {
  return createFault('property_name_above_max_length', (path) => {
    const parent = path.slice(0, -key.length - 1)
    return `Invalid property name in '${parent}': '${abbreviated(key)}' is too long. Expected a string with maximum length ${max}, but got a string with length ${key.length} instead.`
  })
}

/** A field of an object. Faults are reported in the order of fields. */
export interface Field {
  readonly name: string
  readonly check: Check
  readonly required: boolean
}

/** A field that can be absent or null. */
export function optional(name: string, check: Check): Field {
  return { name, check, required: false }
}

/** A field that must be present. Null is a wrong type. */
export function required(name: string, check: Check): Field {
  return { name, check, required: true }
}

interface Entry {
  /** The path of the field: `.name`. */
  readonly step: string
  readonly check: Check
  readonly rank: number
  readonly required: boolean
}

/** Added to the rank of a fault with `last`. No object has as many fields. */
const LAST_RANK = 1_000

/**
 * Accepts objects with the given fields. `unknownKeys: 'refuse'` rejects the first other key, and `list` rejects all other keys in one
 * message. Reports a missing field, else an unknown key, else the fault of the first field, in the order measured on the service.
 */
export function objectOf(
  fields: readonly Field[],
  unknownKeys: 'refuse' | 'ignore' | 'list' = 'refuse',
): Check {
  const table = new Map<string, Entry>(
    fields.map(({ name, check, required }, rank) => [name, { step: `.${name}`, check, rank, required }]),
  )
  const requiredNames = fields.filter((field) => field.required).map((field) => field.name)

  return (value) => {
    if (!isRecord(value)) return wrongType('an object', value)
    for (const name of requiredNames) {
      if (value[name] === undefined) return missing(`.${name}`)
    }
    let first: Fault | undefined
    let firstRank = Infinity
    // Iterates over the keys of the request: usually 5 of 40 fields. Objects of JSON.parse have only own keys.
    // oxlint-disable-next-line guard-for-in
    for (const key in value) {
      const entry = table.get(key)
      if (entry === undefined) {
        if (unknownKeys === 'refuse') return unknownKey(key, value, table)
        if (unknownKeys === 'list') return unrecognizedKeys(value, table)
        continue
      }
      const item = value[key]
      if ((item === null || item === undefined) && !entry.required) continue
      const fault = entry.check(item)
      if (fault === undefined) continue
      const rank = fault.last === true ? LAST_RANK + entry.rank : entry.rank
      if (rank >= firstRank) continue
      first = prefixPath(entry.step, fault)
      firstRank = rank
    }
    return first
  }
}

function unknownKey(key: string, object: JsonObject, table: ReadonlyMap<string, Entry>): Fault {
  const near = similarNames(key, table.keys()).filter((name) => object[name] === undefined)
  const help = near.length === 0 ? '' : ` Did you mean ${quotedList(near, 'or')}?`
  const message = (path: string) => `Unknown parameter: '${path}'.${help}`
  return prefixPath(`.${key}`, createFault('unknown_parameter', message))
}

/** The message of older models. Public reports have several names in alphabetical order. */
function unrecognizedKeys(object: JsonObject, table: ReadonlyMap<string, Entry>): Fault {
  const names = Object.keys(object).filter((key) => !table.has(key))
  const noun = names.length === 1 ? 'argument' : 'arguments'
  return plainFault(null, `Unrecognized request ${noun} supplied: ${names.sort().join(', ')}`)
}

/** Accepts objects with the check that `variants` has for the value of the field `tag`. */
export function variantsOf(tag: string, variants: ReadonlyMap<string, Check>): Check {
  const supported = [...variants.keys()]
  return (value) => {
    if (!isRecord(value)) return wrongType('an object', value)
    const name = value[tag]
    if (name === undefined) return missing(`.${tag}`)
    if (typeof name !== 'string') {
      return prefixPath(`.${tag}`, wrongType(`one of ${quotedList(supported, 'or')}`, name))
    }
    const check = variants.get(name)
    return check ? check(value) : prefixPath(`.${tag}`, notOneOf(name, supported))
  }
}

/** One edit is allowed per so many letters. Shorter keys are similar to too many names. */
const LETTERS_PER_EDIT = 4

/** Returns the known names that are similar to a misspelt key, in alphabetical order. */
export function similarNames(key: string, known: Iterable<string>): string[] {
  const maxEdits = Math.min(2, Math.floor(key.length / LETTERS_PER_EDIT))
  if (maxEdits === 0) return []
  return [...known].filter((name) => isWithinEdits(key, name, maxEdits)).sort()
}

/** Levenshtein distance. Row and key have about the length of a known name, so the cost is limited. */
function isWithinEdits(key: string, name: string, maxEdits: number): boolean {
  if (Math.abs(key.length - name.length) > maxEdits) return false
  let row = Array.from({ length: name.length + 1 }, (_, i) => i)
  for (let k = 0; k < key.length; k++) {
    let corner = k
    let left = k + 1
    row = row.map((above, n) => {
      if (n > 0) left = Math.min(above + 1, left + 1, corner + (key[k] === name[n - 1] ? 0 : 1))
      corner = above
      return left
    })
  }
  return (row.at(-1) ?? Infinity) <= maxEdits
}
