import { faultHere, notOneOf, outOfBounds, quotedList, wrongType, type Check } from './fault.ts'

/** Most characters of a text that the model reads (the service's "string too long" for content and input). */
const longestContent = 10_485_760

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
export const contentText = text({ maxLength: longestContent })

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
