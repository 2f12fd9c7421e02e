import { countOf } from '../lib/format-text.ts'
import type { Extension, ExtensionExport, ExtensionHost } from '../pipeline/extension.ts'
import { nearestNames } from '../lib/nearest-names.ts'
import { OperatorError } from '../lib/operator-error.ts'
import { describeValue, loadFailure } from './extension-error.ts'
import type { LoadedExtension } from './loaded-extension.ts'

/**
 * Builds an extension from the default export of a module, or from an option of the library: an object, or a function that is
 * called with the host and returns one.
 *
 * @param source its path in messages
 * @throws {OperatorError} EXTENSION_INVALID
 */
export async function buildExtension(
  value: unknown,
  source: string,
  host: ExtensionHost,
): Promise<LoadedExtension> {
  if (typeof value !== 'function') return checkExtension(value, source)
  let built: unknown
  try {
    built = await (value as Extract<ExtensionExport, (host: never) => unknown>)(host)
  } catch (error) {
    throw loadFailure(source, 'the function that it exports failed', error)
  }
  return checkExtension(built, source)
}

/**
 * Validates that a value is an extension.
 *
 * @param source its path in messages
 * @throws {OperatorError} EXTENSION_INVALID with all problems
 */
export function checkExtension(value: unknown, source: string): LoadedExtension {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Promise) {
    const got = describeValue(value)
    throw new OperatorError(
      'EXTENSION_INVALID',
      `Could not use the extension ${source}: it must be an object, or a function that returns one (got ${got}). Write export default defineExtension({ name: '...' }).`,
    )
  }
  const given = value as Record<string, unknown>
  const problems = [
    ...Object.entries(fields).flatMap(([name, problemsOf]) => problemsOf(given[name], name)),
    ...unknownFields(given),
  ]
  if (problems.length === 0) return { extension: value as Extension, source, file: undefined }
  const lines = problems.map((problem) => `\n  ${problem}`).join('')
  throw new OperatorError(
    'EXTENSION_INVALID',
    `Could not use the extension ${source}: ${countOf(problems.length, 'problem')}${lines}`,
  )
}

/** Returns the problems of the value of a field, one sentence each. */
type FieldCheck = (value: unknown, name: string) => string[]

const fields: Readonly<Record<keyof Extension, FieldCheck>> = {
  name: checkName,
  hooks: checkFunctions,
  generators: checkFunctions,
  forwarders: checkFunctions,
  limiters: checkLimiters,
  onStart: checkFunction,
  onClose: checkFunction,
}

function checkName(value: unknown): string[] {
  // Messages with the name have one line.
  if (typeof value === 'string' && /^[^\s\p{C}]([^\p{C}]*[^\s\p{C}])?$/u.test(value)) return []
  return [`name must be non-empty text in one line (got ${describeValue(value)}).`]
}

function checkFunctions(value: unknown, name: string): string[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) return [`${name} must be an array of functions (got ${describeValue(value)}).`]
  return [...value.entries()]
    .filter(([, item]) => typeof item !== 'function')
    .map(([index, item]) => `${name}[${index}] must be a function (got ${describeValue(item)}).`)
}

function checkLimiters(value: unknown, name: string): string[] {
  if (value === undefined) return []
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Map) {
    const got = value instanceof Map ? 'a Map' : describeValue(value)
    return [`${name} must be an object of functions by name (got ${got}).`]
  }
  return Object.entries(value)
    .filter(([, limiter]) => typeof limiter !== 'function')
    .map(([key, limiter]) => `${name}["${key}"] must be a function (got ${describeValue(limiter)}).`)
}

function checkFunction(value: unknown, name: string): string[] {
  if (value === undefined || typeof value === 'function') return []
  return [`${name} must be a function (got ${describeValue(value)}).`]
}

/** Rejects unknown fields of a plain object. An instance of a class can have further fields. */
function unknownFields(given: object): string[] {
  const prototype: unknown = Object.getPrototypeOf(given)
  if (prototype !== Object.prototype && prototype !== null) return []
  const known = Object.keys(fields)
  return Object.keys(given)
    .filter((key) => !known.includes(key))
    .map((key) => {
      const [nearest] = nearestNames(key, known, 1)
      const hint = nearest === undefined ? `The fields are ${known.join(', ')}.` : `Did you mean ${nearest}?`
      return `${key} is not a field of an extension. ${hint}`
    })
}
