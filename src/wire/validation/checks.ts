import { isRecord } from '../../lib/record.ts'
import {
  faultHere,
  notOneOf,
  outOfBounds,
  quotedList,
  wrongType,
  type Check,
  abbreviated,
  under,
  type Fault,
  missing,
  type JsonObject,
} from './fault.ts'

/** Most characters of a text that the model reads (the service's "string too long" for content and input). */
const MAX_CONTENT_LENGTH = 10_485_760

/** Accepts anything: a field that the service takes and the simulator does not read. */
export const anything: Check = () => undefined

/** Accepts true and false. */
export const boolean: Check = (value) =>
  typeof value === 'boolean' ? undefined : wrongType('a boolean', value)

/** Accepts integers from `min` to `max`, both included. */
export function integerBetween(min: number, max: number): Check {
  return (value) => {
    if (typeof value !== 'number' || !Number.isInteger(value)) return wrongType('an integer', value)
    return value < min || value > max ? beyond('integer', value, min, max) : undefined
  }
}

/** Accepts integers of any size. */
export const integer = integerBetween(-Infinity, Infinity)

/** Accepts numbers from `min` to `max`, both included. */
export function decimalBetween(min: number, max: number): Check {
  return (value) => {
    if (typeof value !== 'number') return wrongType('a decimal', value)
    return value < min || value > max ? beyond('decimal', value, min, max) : undefined
  }
}

function beyond(kind: 'integer' | 'decimal', value: number, min: number, max: number) {
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

/** What a text must be, beside being a text. */
export interface TextLimits {
  /** 1 refuses the empty text; default 0. */
  readonly minLength?: 0 | 1
  /** In UTF-16 units; default no limit. */
  readonly maxLength?: number
  /** Must match the whole text; the message shows its source. Use with `maxLength`. */
  readonly pattern?: RegExp
}

/** Accepts texts. */
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
      return faultHere(
        'invalid_value',
        (path) =>
          `Invalid '${path}': string does not match pattern. Expected a string that matches the pattern '${pattern.source}'.`,
      )
    }
    return undefined
  }
}

/** Accepts a text that the model reads. */
export const contentText = text({ maxLength: MAX_CONTENT_LENGTH })

/** Accepts the given texts. */
export function oneOf(...supported: readonly string[]): Check {
  return (value) => {
    if (typeof value !== 'string') return wrongType(`one of ${quotedList(supported, 'or')}`, value)
    return supported.includes(value) ? undefined : notOneOf(value, supported)
  }
}

/** Refuses whatever value: a known parameter that the model does not take. `hint` ends the message. */
export function unsupported(hint = ''): Check {
  return () =>
    faultHere(
      'unsupported_parameter',
      (path) => `Unsupported parameter: '${path}' is not supported with this model.${hint}`,
    )
}

/** What an array must be, beside holding the right items. */
export interface ArrayLimits {
  /** In the message of a wrong type: "an array of objects". */
  readonly expected: string
  /** 1 refuses the empty array; default 0. */
  readonly min?: 0 | 1
  /** Most items; default no limit. */
  readonly max?: number
}

/** Accepts arrays of what `item` accepts. The first fault wins, but one that is to come last yields to any other. */
export function arrayOf(item: Check, { expected, min = 0, max = Infinity }: ArrayLimits): Check {
  return (value) => {
    if (!Array.isArray(value)) return wrongType(expected, value)
    const { length } = value
    if (length < min || length > max) return badLength(length, max)
    let last: Fault | undefined
    for (let i = 0; i < length; i++) {
      const fault = item(value[i])
      if (fault === undefined) continue
      if (fault.last !== true) return under(`[${i}]`, fault)
      last ??= under(`[${i}]`, fault)
    }
    return last
  }
}

function badLength(length: number, max: number): Fault {
  if (length === 0) {
    return outOfBounds('empty_array', 'empty array', 'an array with minimum length 1, but got an empty array')
  }
  return outOfBounds(
    'array_above_max_length',
    'array too long',
    `an array with maximum length ${max}, but got an array with length ${length}`,
  )
}

/** Accepts texts or arrays, each by its own check; `expected` names both in the message of another type. */
export function textOrArray(expected: string, text: Check, array: Check): Check {
  return (value) => {
    if (typeof value === 'string') return text(value)
    return Array.isArray(value) ? array(value) : wrongType(expected, value)
  }
}

/** Accepts texts or objects, as `textOrArray` does. */
export function textOrObject(expected: string, text: Check, object: Check): Check {
  return (value) => {
    if (typeof value === 'string') return text(value)
    return isRecord(value) ? object(value) : wrongType(expected, value)
  }
}

/** What an object with keys of the client's choice must be. */
export interface MapLimits {
  /** In the message of a wrong type: "a metadata object". */
  readonly expected: string
  /** Most keys; default no limit. */
  readonly maxKeys?: number
  /** Longest key; default no limit. */
  readonly maxKeyLength?: number
}

/** Accepts objects whose values all pass one check. */
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
      const fault = key.length > maxKeyLength ? longKey(key, maxKeyLength) : item(value[key])
      if (fault !== undefined) return under(`.${key}`, fault)
    }
    return undefined
  }
}

function longKey(key: string, max: number): Fault {
  return faultHere('property_name_above_max_length', (path) => {
    const parent = path.slice(0, -key.length - 1)
    return `Invalid property name in '${parent}': '${abbreviated(key)}' is too long. Expected a string with maximum length ${max}, but got a string with length ${key.length} instead.`
  })
}

/** A key that an object may have. The order of fields is the order in which faults are reported. */
export interface Field {
  readonly name: string
  readonly check: Check
  readonly required: boolean
}

/** A field that may be absent; null counts as absent. */
export function optional(name: string, check: Check): Field {
  return { name, check, required: false }
}

/** A field that must be there; null is a value of the wrong type. */
export function required(name: string, check: Check): Field {
  return { name, check, required: true }
}

interface Entry {
  readonly step: string
  readonly check: Check
  readonly rank: number
  readonly required: boolean
}

/** A fault that is to come last ranks behind all fields of an object. */
const LAST_RANK = 1_000

/**
 * Accepts objects with the given fields. `unknownKeys: 'refuse'` also refuses other keys. Reported first is a
 * missing field, then an unknown key, then the fault of the earliest field: the order measured on the service.
 */
export function objectOf(fields: readonly Field[], unknownKeys: 'refuse' | 'ignore' = 'refuse'): Check {
  const table = new Map<string, Entry>(
    fields.map(({ name, check, required }, rank) => [name, { step: `.${name}`, check, rank, required }]),
  )
  const requiredNames = fields.filter((field) => field.required).map((field) => field.name)
  const strict = unknownKeys === 'refuse'

  return (value) => {
    if (!isRecord(value)) return wrongType('an object', value)
    for (const name of requiredNames) {
      if (value[name] === undefined) return missing(`.${name}`)
    }
    let first: Fault | undefined
    let firstRank = Infinity
    // Over the keys sent, not the fields known: a request names five of forty. JSON.parse gives own keys only.
    // oxlint-disable-next-line guard-for-in
    for (const key in value) {
      const entry = table.get(key)
      if (entry === undefined) {
        if (strict) return unknownKey(key, value, table)
        continue
      }
      const item = value[key]
      if ((item === null || item === undefined) && !entry.required) continue
      const fault = entry.check(item)
      if (fault === undefined) continue
      const rank = fault.last === true ? LAST_RANK + entry.rank : entry.rank
      if (rank >= firstRank) continue
      first = under(entry.step, fault)
      firstRank = rank
    }
    return first
  }
}

function unknownKey(key: string, object: JsonObject, table: ReadonlyMap<string, Entry>): Fault {
  const near = namesNear(key, table.keys()).filter((name) => object[name] === undefined)
  const help = near.length === 0 ? '' : ` Did you mean ${quotedList(near, 'or')}?`
  const message = (path: string) => `Unknown parameter: '${path}'.${help}`
  return under(`.${key}`, faultHere('unknown_parameter', message))
}

/** Accepts objects whose `tag` names the check that they must pass. */
export function variantsOf(tag: string, variants: ReadonlyMap<string, Check>): Check {
  const supported = [...variants.keys()]
  return (value) => {
    if (!isRecord(value)) return wrongType('an object', value)
    const name = value[tag]
    if (name === undefined) return missing(`.${tag}`)
    if (typeof name !== 'string') {
      return under(`.${tag}`, wrongType(`one of ${quotedList(supported, 'or')}`, name))
    }
    const check = variants.get(name)
    return check ? check(value) : under(`.${tag}`, notOneOf(name, supported))
  }
}

/** A key of fewer letters has too many neighbours to guess from. */
const LETTERS_PER_EDIT = 4

/** The known names that a misspelt key may mean, in alphabetical order; most often none. */
export function namesNear(key: string, known: Iterable<string>): string[] {
  const maxEdits = Math.min(2, Math.floor(key.length / LETTERS_PER_EDIT))
  if (maxEdits === 0) return []
  return [...known].filter((name) => isWithinEdits(key, name, maxEdits)).sort()
}

/** Levenshtein's distance. Rows are as long as a known name, and keys of another length never get here. */
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
