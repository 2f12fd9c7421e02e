import type * as z from 'zod'
import { showValue } from '../../config/zod-problems.ts'
import { describeFirst } from '../../lib/error-text.ts'
import { nearestNames } from '../../lib/nearest-names.ts'
import { jsonSchemaOf, type JsonSchema } from './json-schema.ts'

/** A query parameter. */
export interface QueryParameter {
  readonly name: string
  readonly description: string
  /** Of type `string`, `integer` or `boolean`. */
  readonly schema: JsonSchema
  readonly check: z.ZodType
}

/** Cached, because a JSON Schema takes milliseconds, which each simulator of a test would pay. */
const cached = new WeakMap<z.ZodObject, readonly QueryParameter[]>()

/** Returns the parameters of a query schema. */
export function queryParameters(query: z.ZodObject | undefined): readonly QueryParameter[] {
  if (!query) return []
  let parameters = cached.get(query)
  if (!parameters) {
    parameters = Object.entries(query.shape).map(([name, check]) => {
      const { description, ...schema } = jsonSchemaOf(check as z.ZodType)
      return { name, description: String(description), schema, check: check as z.ZodType }
    })
    cached.set(query, parameters)
  }
  return parameters
}

/** A query that was parsed and validated. */
export type ReadQuery =
  /** Typed values by name. */
  | { readonly values: Readonly<Record<string, unknown>> }
  /** All problems, each as one or two sentences. */
  | { readonly problems: readonly string[] }

/** Parses and validates a query. Unknown and repeated names are problems, because the client would not notice that one is ignored. */
export function readQuery(query: URLSearchParams, parameters: readonly QueryParameter[]): ReadQuery {
  const values: Record<string, unknown> = {}
  const problems: (() => string)[] = []
  for (const name of new Set(query.keys())) {
    const [text = '', ...more] = query.getAll(name)
    const parameter = parameters.find((known) => known.name === name)
    if (!parameter) {
      problems.push(() => describeUnknown(name, parameters))
      continue
    }
    if (more.length > 0) {
      problems.push(() => `${name} must be present once (got ${more.length + 1} values). Remove the others.`)
      continue
    }
    const { success, data } = parameter.check.safeParse(typedValue(text, parameter.schema))
    if (success) values[name] = data
    else problems.push(() => `${name} must be ${rangeOf(parameter)} (got ${showValue(text)}).`)
  }
  if (problems.length > 0) return { problems: describeFirst(problems, (describe) => describe()) }
  for (const { name, check } of parameters) values[name] ??= check.parse(undefined)
  return { values }
}

function describeUnknown(name: string, parameters: readonly QueryParameter[]): string {
  const known = parameters.map((parameter) => parameter.name)
  const [nearest] = nearestNames(name, known, 1)
  const hint =
    known.length === 0
      ? 'This path has no parameters.'
      : nearest === undefined
        ? `Known parameters: ${known.join(', ')}.`
        : `Did you mean ${nearest}?`
  return `${showValue(name)} is not a parameter of this path. ${hint}`
}

/** Converts a text to the type of its parameter. A text of another type is not converted, and fails validation. */
function typedValue(text: string, { type }: JsonSchema): unknown {
  if (type === 'boolean' && /^(?:true|false)$/.test(text)) return text === 'true'
  return type === 'integer' && /^\d{1,15}$/.test(text) ? Number(text) : text
}

function rangeOf({ description, schema }: QueryParameter): string {
  const { type, minimum, maximum, enum: choices } = schema
  if (type === 'boolean') return 'true or false'
  if (Array.isArray(choices)) return `one of ${choices.join(', ')}`
  if (type !== 'integer') return `valid: ${description}`
  return maximum === undefined
    ? `an integer of at least ${Number(minimum)}`
    : `an integer from ${Number(minimum)} to ${Number(maximum)}`
}

/** Parsed JSON, or a problem with its position, without a final period. */
export type ReadJson = { readonly value: unknown } | { readonly problem: string }

/** Maximum nesting. Valid bodies have less than ten levels, and code that processes them is recursive. */
const MAX_DEPTH = 100

type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | 'colon' | 'comma or ]' | 'comma or }' | 'end'

const expectedTexts: Readonly<Record<Expected, string>> = {
  value: 'a value',
  'value or ]': 'a value or "]"',
  key: 'a key in double quotes',
  'key or }': 'a key in double quotes or "}"',
  colon: '":"',
  'comma or ]': '"," or "]"',
  'comma or }': '"," or "}"',
  end: 'the end',
}

const space = /[ \t\r\n]*/y
// JSON allows no control characters in strings.
// oxlint-disable-next-line no-control-regex
const text = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*"/y
const scalar = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.])/y

/**
 * Parses JSON. The errors of `JSON.parse` do not always have a position, and their texts differ between Node versions, so this function
 * finds the first problem itself. A repeated key is a problem as well.
 */
export function readJson(source: string): ReadJson {
  const problem = findProblem(source)
  return problem === undefined ? { value: JSON.parse(source) as unknown } : { problem }
}

/** Returns the position where a text is not JSON, and what is expected there; undefined for valid JSON. */
function findProblem(source: string): string | undefined {
  const open: ('[' | '{')[] = []
  /** Keys of each open object. A later value of a key would replace the first one silently. */
  const keys: Set<unknown>[] = []
  let expected: Expected = 'value'
  let at = skip(space, source, 0)
  const afterValue = (): Expected => {
    const container = open.at(-1)
    if (container === undefined) return 'end'
    return container === '[' ? 'comma or ]' : 'comma or }'
  }
  while (at < source.length) {
    const sign = source.charAt(at)
    let end = at + 1
    if ((sign === '[' || sign === '{') && expected.startsWith('value')) {
      open.push(sign)
      if (sign === '{') keys.push(new Set())
      if (open.length > MAX_DEPTH)
        return `${describePosition(source, at)} nests deeper than ${MAX_DEPTH} levels`
      expected = sign === '[' ? 'value or ]' : 'key or }'
    } else if ((sign === ']' || sign === '}') && expected.endsWith(sign)) {
      if (open.pop() === '{') keys.pop()
      expected = afterValue()
    } else if (sign === ',' && expected.startsWith('comma')) {
      expected = open.at(-1) === '[' ? 'value' : 'key'
    } else if (sign === ':' && expected === 'colon') {
      expected = 'value'
    } else if (expected.startsWith('key')) {
      end = skip(text, source, at)
      if (end === at) return describe(source, at, expected)
      const key: unknown = JSON.parse(source.slice(at, end))
      if (keys.at(-1)?.has(key)) return `${describePosition(source, at)} repeats the key ${showValue(key)}`
      keys.at(-1)?.add(key)
      expected = 'colon'
    } else {
      end = expected.startsWith('value') ? skip(sign === '"' ? text : scalar, source, at) : at
      if (end === at) return describe(source, at, expected)
      expected = afterValue()
    }
    at = skip(space, source, end)
  }
  return expected === 'end' ? undefined : describe(source, source.length, expected)
}

function skip(pattern: RegExp, source: string, from: number): number {
  pattern.lastIndex = from
  return pattern.test(source) ? pattern.lastIndex : from
}

function describe(source: string, at: number, expected: Expected): string {
  const got = at < source.length ? JSON.stringify(source.slice(at, at + 12)) : 'the end of the body'
  return `${describePosition(source, at)} must have ${expectedTexts[expected]} (got ${got})`
}

function describePosition(source: string, at: number): string {
  const before = source.slice(0, at).split('\n')
  return `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`
}
