import {
  abbreviated,
  faultHere,
  isObject,
  outOfBounds,
  under,
  wrongType,
  type Check,
  type Fault,
} from './fault.ts'

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
    return isObject(value) ? object(value) : wrongType(expected, value)
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
    if (!isObject(value)) return wrongType(expected, value)
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
