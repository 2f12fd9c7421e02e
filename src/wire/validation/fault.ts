import { isRecord } from '../../lib/record.ts'
import { modelError, type ServiceError, malformedJson } from '../errors.ts'
import type { Model } from '../models/models.ts'

/** A JSON object of which nothing is known yet. */
export type JsonObject = Readonly<Record<string, unknown>>

/**
 * What is wrong with a body. A check knows only the value it sees, so a fault starts with an empty path, and each
 * level puts its own step in front on the way out: a valid body costs no path at all.
 */
export interface Fault {
  /** Steps from the checked value to the extensionPart: `[0].role`. */
  path: string
  readonly code: string | null
  /** Makes the message, given the whole path. */
  readonly message: (path: string) => string
  /** The error's `param`, where it is not the path. */
  readonly param?: (path: string) => string | null
  /** Reported only when nothing else is wrong, as the service does for missing content. */
  readonly last?: true
}

/** Tells what is wrong with a value; undefined when nothing is. */
export type Check = (value: unknown) => Fault | undefined

/** Puts a step (`.name` or `[0]`) in front of a fault's path. */
export function under(step: string, fault: Fault): Fault {
  fault.path = step + fault.path
  return fault
}

/** A fault at the value itself. */
export function faultHere(code: string | null, message: (path: string) => string): Fault {
  return { path: '', code, message }
}

/** A fault of the older layers of the service: a ready message, its own `param`, no code. */
export function plainFault(param: string | null, message: string, code: string | null = null): Fault {
  return { path: '', code, message: () => message, param: () => param }
}

/** The value has another JSON type than `expected` ("an integer"). */
export function wrongType(expected: string, value: unknown): Fault {
  const got = typeName(value)
  return faultHere(
    'invalid_type',
    (path) => `Invalid type for '${path}': expected ${expected}, but got ${got} instead.`,
  )
}

/** A field that must be there is not. */
export function missing(step: string): Fault {
  return under(
    step,
    faultHere('missing_required_parameter', (path) => `Missing required parameter: '${path}'.`),
  )
}

/** The value breaks a bound: "Invalid 'n': integer below minimum value. Expected ...". */
export function outOfBounds(code: string, problem: string, expectation: string): Fault {
  return faultHere(code, (path) => `Invalid '${path}': ${problem}. Expected ${expectation} instead.`)
}

/** The text is none of the supported ones. */
export function notOneOf(value: string, supported: readonly string[]): Fault {
  const list = quotedList(supported, 'and')
  return faultHere(
    'invalid_value',
    () => `Invalid value: '${shortened(value)}'. Supported values are: ${list}.`,
  )
}

/** The longest text that is shown whole; the service's own bound lies between 18 and 28. */
const MAX_SHOWN_LENGTH = 20

function shortened(value: string): string {
  return value.length > MAX_SHOWN_LENGTH ? abbreviated(value) : value
}

/** A text as the service shows it where it does not want to show it whole: `kkk...kkk`. */
export function abbreviated(value: string): string {
  return `${value.slice(0, 3)}...${value.slice(-3)}`
}

/** `'a'`, `'a' or 'b'`, `'a', 'b', or 'c'`. */
export function quotedList(names: readonly string[], word: 'and' | 'or'): string {
  const quoted = names.map((name) => `'${name}'`)
  if (quoted.length < 3) return quoted.join(` ${word} `)
  return `${quoted.slice(0, -1).join(', ')}, ${word} ${quoted.at(-1)}`
}

/** The service's answer to a fault of the body. */
export function faultError(fault: Fault): ServiceError {
  const path = fault.path.startsWith('.') ? fault.path.slice(1) : fault.path
  return modelError(fault.message(path), fault.param ? fault.param(path) : path, fault.code)
}

function typeName(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'an integer' : 'a decimal number'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** A rule between fields, or between a field and the model. It sees a body whose fields are valid each for itself. */
export type Rule = (body: JsonObject, model: Model) => Fault | undefined

/** Checks a body: its fields, then the rules in their order, then what the fields left for last. */
export function validateBody(
  body: unknown,
  fields: Check,
  rules: readonly Rule[],
  model: Model,
): ServiceError | undefined {
  // A body of `[]` or `"x"` is valid JSON, yet nothing of a request; the service's words for it are not captured.
  if (!isRecord(body)) return malformedJson()
  const fault = fields(body)
  if (fault !== undefined && fault.last !== true) return faultError(fault)
  for (const rule of rules) {
    const broken = rule(body, model)
    if (broken !== undefined) return faultError(broken)
  }
  return fault && faultError(fault)
}

/** A checked request, or the service's refusal of it. */
export type Parsed<T> =
  { readonly ok: true; readonly request: T } | { readonly ok: false; readonly error: ServiceError }

/** The only place where a body becomes a request: what validation lets through is what the interfaces describe. */
export function parsed<T>(body: unknown, error: ServiceError | undefined): Parsed<T> {
  return error ? { ok: false, error } : { ok: true, request: body as T }
}
