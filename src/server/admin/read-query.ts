import type { z } from 'zod'
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

/** Made when they are first asked for: JSON Schemas take milliseconds, which a test with many simulators would pay for each. */
const known = new WeakMap<z.ZodObject, readonly QueryParameter[]>()

/** Lists the parameters of a query. */
export function queryParameters(query: z.ZodObject | undefined): readonly QueryParameter[] {
  if (!query) return []
  let parameters = known.get(query)
  if (!parameters) {
    parameters = Object.entries(query.shape).map(([name, check]) => {
      const { description, ...schema } = jsonSchemaOf(check as z.ZodType)
      return { name, description: String(description), schema, check: check as z.ZodType }
    })
    known.set(query, parameters)
  }
  return parameters
}

/** Values by name, in the type of their parameter, or every problem of the query, a sentence or two each. */
export type ReadQuery =
  { readonly values: Readonly<Record<string, unknown>> } | { readonly problems: readonly string[] }

/** Reads a query by the parameters that a route has. A name that it has not is a problem: it would be passed over unseen. */
export function readQuery(given: URLSearchParams, parameters: readonly QueryParameter[]): ReadQuery {
  const values: Record<string, unknown> = {}
  const wrong: (() => string)[] = []
  for (const [name, text] of given) {
    const parameter = parameters.find((known) => known.name === name)
    if (!parameter) {
      wrong.push(() => describeUnknown(name, parameters))
      continue
    }
    const { success, data } = parameter.check.safeParse(typedValue(text, parameter.schema))
    if (success) values[name] = data
    else wrong.push(() => `${name} must be ${rangeOf(parameter)} (got ${showValue(text)}).`)
  }
  if (wrong.length > 0) return { problems: describeFirst(wrong, (describe) => describe()) }
  for (const { name, check } of parameters) values[name] ??= check.parse(undefined)
  return { values }
}

function describeUnknown(name: string, parameters: readonly QueryParameter[]): string {
  const known = parameters.map((parameter) => parameter.name)
  const [nearest] = nearestNames(name, known, 1)
  const hint =
    known.length === 0
      ? 'There are none here.'
      : nearest === undefined
        ? `There are ${known.join(', ')}.`
        : `Did you mean ${nearest}?`
  return `${showValue(name)} is no parameter of this path. ${hint}`
}

/** A text that is not of the type stays as it is, and is refused by the check. */
function typedValue(text: string, { type }: JsonSchema): unknown {
  if (type === 'boolean' && /^(?:true|false)$/.test(text)) return text === 'true'
  return type === 'integer' && /^\d{1,15}$/.test(text) ? Number(text) : text
}

function rangeOf({ description, schema }: QueryParameter): string {
  const { type, minimum, maximum, enum: choices } = schema
  if (type === 'boolean') return 'true or false'
  if (Array.isArray(choices)) return `one of ${choices.join(', ')}`
  if (type !== 'integer') return `of its form: ${description}`
  return maximum === undefined
    ? `an integer of at least ${Number(minimum)}`
    : `an integer from ${Number(minimum)} to ${Number(maximum)}`
}

/** Parsed JSON, or why there is none: half a sentence with the place. */
export type ReadJson = { readonly value: unknown } | { readonly problem: string }

/** Nothing that the administration takes nests deeper than ten levels, and what walks through it calls itself. */
const MAX_DEPTH = 100

type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | 'colon' | 'comma or ]' | 'comma or }' | 'end'

const words: Readonly<Record<Expected, string>> = {
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
// JSON allows no control character in a text.
// oxlint-disable-next-line no-control-regex
const text = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*"/y
const scalar = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.])/y

/**
 * Parses JSON. Node's own parser does not always say where it failed, and its words change with its version; so what it
 * refuses is looked through once more.
 */
export function readJson(source: string): ReadJson {
  const problem = findProblem(source)
  return problem === undefined ? { value: JSON.parse(source) as unknown } : { problem }
}

/** Where a text stops being JSON, and what should stand there. */
function findProblem(source: string): string | undefined {
  const open: ('[' | '{')[] = []
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
      if (open.length > MAX_DEPTH) return `${placeOf(source, at)} nests deeper than ${MAX_DEPTH} levels`
      expected = sign === '[' ? 'value or ]' : 'key or }'
    } else if ((sign === ']' || sign === '}') && expected.endsWith(sign)) {
      open.pop()
      expected = afterValue()
    } else if (sign === ',' && expected.startsWith('comma')) {
      expected = open.at(-1) === '[' ? 'value' : 'key'
    } else if (sign === ':' && expected === 'colon') {
      expected = 'value'
    } else if (expected.startsWith('key')) {
      end = skip(text, source, at)
      if (end === at) return describe(source, at, expected)
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
  return `${placeOf(source, at)} must have ${words[expected]} (got ${got})`
}

function placeOf(source: string, at: number): string {
  const before = source.slice(0, at).split('\n')
  return `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`
}
