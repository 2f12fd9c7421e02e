import { isRecord } from '../../lib/record.ts'
import { modelError, type ServiceError, malformedJson } from '../errors.ts'
import type { Model } from '../models/models.ts'

/** A JSON object of unknown shape. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Whether a field is given. Null means absent, as on the service. */
export function isSet(value: unknown): boolean {
  return value !== undefined && value !== null
}

/**
 * A problem in a request body. A check only knows the value that it checks, so the path of a new fault is empty. Each level
 * prepends its step, so that no paths are built for valid bodies.
 */
export interface Fault {
  /** Path from the checked value to the invalid one: `[0].role`. */
  path: string
  readonly code: string | null
  /** Returns the message for the complete path. */
  readonly message: (path: string) => string
  /** Returns the `param` of the error, if it is not the path. */
  readonly param?: (path: string) => string | null
  /** Reported only if there is no other fault, like missing content on the service. */
  readonly last?: true
  /** The whole error, if another component of the service than the model layer reports it. */
  readonly error?: ServiceError
}

/** Returns the fault of a value, or undefined if it is valid. */
export type Check = (value: unknown) => Fault | undefined

/** Prepends a step (`.name` or `[0]`) to the path of a fault. */
export function prefixPath(step: string, fault: Fault): Fault {
  fault.path = step + fault.path
  return fault
}

/** A fault of the checked value itself. */
export function createFault(code: string | null, message: (path: string) => string): Fault {
  return { path: '', code, message }
}

/** A fault with a fixed message and `param`, independent of the path. Older layers of the service report such faults. */
export function plainFault(param: string | null, message: string, code: string | null = null): Fault {
  return { path: '', code, message: () => message, param: () => param }
}

/** The value has another JSON type than `expected` ("an integer"). */
export function wrongType(expected: string, value: unknown): Fault {
  const got = typeName(value)
  return createFault(
    'invalid_type',
    (path) => `Invalid type for '${path}': expected ${expected}, but got ${got} instead.`,
  )
}

/** A required field is missing. */
export function missing(step: string): Fault {
  return prefixPath(
    step,
    createFault('missing_required_parameter', (path) => `Missing required parameter: '${path}'.`),
  )
}

/** The value exceeds a limit: "Invalid 'n': integer below minimum value. Expected ...". */
export function outOfBounds(code: string, problem: string, expectation: string): Fault {
  return createFault(code, (path) => `Invalid '${path}': ${problem}. Expected ${expectation} instead.`)
}

/** The value is not one of the supported ones. */
export function notOneOf(value: string, supported: readonly string[]): Fault {
  const list = quotedList(supported, 'and')
  return createFault(
    'invalid_value',
    () => `Invalid value: '${shortened(value)}'. Supported values are: ${list}.`,
  )
}

/** The value is an id of another kind: each kind has its own prefix. */
export function wrongPrefix(id: string, prefix: string): Fault {
  return createFault(
    'invalid_value',
    (path) => `Invalid '${path}': '${id}'. Expected an ID that begins with '${prefix}'.`,
  )
}

/** Longer values are abbreviated in messages. The limit of the service is between 18 and 28. */
const MAX_SHOWN_LENGTH = 20

function shortened(value: string): string {
  return value.length > MAX_SHOWN_LENGTH ? abbreviated(value) : value
}

/** Abbreviates a value like the service: `kkk...kkk`. */
export function abbreviated(value: string): string {
  return `${value.slice(0, 3)}...${value.slice(-3)}`
}

/** `'a'`, `'a' or 'b'`, `'a', 'b', or 'c'`. */
export function quotedList(names: readonly string[], word: 'and' | 'or'): string {
  const quoted = names.map((name) => `'${name}'`)
  if (quoted.length < 3) return quoted.join(` ${word} `)
  return `${quoted.slice(0, -1).join(', ')}, ${word} ${quoted.at(-1)}`
}

/** Returns the error of the service for a fault. */
export function faultError(fault: Fault): ServiceError {
  if (fault.error) return fault.error
  const path = fault.path.startsWith('.') ? fault.path.slice(1) : fault.path
  return modelError(fault.message(path), fault.param ? fault.param(path) : path, fault.code)
}

function typeName(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'an integer' : 'a decimal number'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** A rule between fields, or between a field and the model. All fields of the body are valid on their own. */
export type Rule = (body: JsonObject, model: Model) => Fault | undefined

/** Validates a body: first its fields, then the rules in the given order, then faults of fields with `last`. */
export function validateBody(
  body: unknown,
  fields: Check,
  rules: readonly Rule[],
  model: Model,
): ServiceError | undefined {
  // A body of `[]` or `"x"` is valid JSON, but not a request. The message of the service for it is not captured.
  if (!isRecord(body)) return malformedJson()
  const fault = fields(body)
  if (fault !== undefined && fault.last !== true) return faultError(fault)
  for (const rule of rules) {
    const broken = rule(body, model)
    if (broken !== undefined) return faultError(broken)
  }
  return fault && faultError(fault)
}

/** A parsed body. */
export type Parsed<T> =
  /** A valid request. */
  | { readonly ok: true; readonly request: T }
  /** The error of the service for an invalid request. */
  | { readonly ok: false; readonly error: ServiceError }

/** Returns the body as a request if it has no error. The only function that casts a body: validation ensures the type. */
export function parsed<T>(body: unknown, error: ServiceError | undefined): Parsed<T> {
  return error ? { ok: false, error } : { ok: true, request: body as T }
}
