import { isRecord } from '../../lib/record.ts'
import { isPythonPattern, pythonText } from './python-text.ts'

/** Limits of one check, shared by all schemas of a document. */
export interface CheckBudget {
  /** Schemas, keywords and items that may still be read. */
  steps: number
}

/** Schemas below this depth are not checked. The service allows ten levels in strict schemas. */
const MAX_SCHEMA_DEPTH = 200

/** The schema is too large or too deep to be checked. */
export const TOO_LARGE = Symbol('too large')

/** What is wrong with a value, in the words of the service; undefined if it is valid. */
type Problem = string | typeof TOO_LARGE | undefined

type ValueCheck = (value: unknown, budget: CheckBudget, depth: number) => Problem

const typeNames = new Set<unknown>(['array', 'boolean', 'integer', 'null', 'number', 'object', 'string'])

const isCount = (value: unknown): boolean => typeof value === 'number' && Number.isInteger(value)

function notOfType(value: unknown, types: string): string {
  return `${pythonText(value)} is not of type ${types}`
}

const string: ValueCheck = (value) => (typeof value === 'string' ? undefined : notOfType(value, "'string'"))
const boolean: ValueCheck = (value) =>
  typeof value === 'boolean' ? undefined : notOfType(value, "'boolean'")
const number: ValueCheck = (value) => (typeof value === 'number' ? undefined : notOfType(value, "'number'"))
const array: ValueCheck = (value) => (Array.isArray(value) ? undefined : notOfType(value, "'array'"))

const count: ValueCheck = (value) => {
  if (!isCount(value)) return notOfType(value, "'integer'")
  return (value as number) < 0 ? `${pythonText(value)} is less than the minimum of 0` : undefined
}

const positive: ValueCheck = (value) => {
  if (typeof value !== 'number') return notOfType(value, "'number'")
  return value > 0 ? undefined : `${pythonText(value)} is less than or equal to the minimum of 0`
}

const pattern: ValueCheck = (value) => {
  if (typeof value !== 'string') return notOfType(value, "'string'")
  return isPythonPattern(value) ? undefined : `${pythonText(value)} is not a 'regex'`
}

/** Captured for `$id` (griptape-ai/griptape#2150, 2026-04). */
const uriReference: ValueCheck = (value) => {
  if (typeof value !== 'string') return notOfType(value, "'string'")
  return /^[^\s<>"{}|\\^`]*$/.test(value) ? undefined : `${pythonText(value)} is not a 'uri-reference'`
}

const strings: ValueCheck = (value, budget) => {
  if (!Array.isArray(value)) return notOfType(value, "'array'")
  budget.steps -= value.length
  if (budget.steps < 0) return TOO_LARGE
  for (const item of value) if (typeof item !== 'string') return notOfType(item, "'string'")
  return new Set(value).size === value.length ? undefined : `${pythonText(value)} has non-unique elements`
}

const type: ValueCheck = (value, budget) => {
  if (typeNames.has(value)) return undefined
  const isList =
    Array.isArray(value) &&
    value.length > 0 &&
    value.length <= typeNames.size &&
    value.every((name) => typeNames.has(name)) &&
    new Set(value).size === value.length
  budget.steps -= 1
  return isList ? undefined : `${pythonText(value)} is not valid under any of the given schemas`
}

const schemas: ValueCheck = (value, budget, depth) => {
  if (!Array.isArray(value)) return notOfType(value, "'array'")
  if (value.length === 0) return '[] should be non-empty'
  for (const item of value) {
    const problem = metaSchemaProblem(item, budget, depth + 1)
    if (problem !== undefined) return problem
  }
  return undefined
}

function mapOf(item: ValueCheck, key?: ValueCheck): ValueCheck {
  return (value, budget, depth) => {
    if (!isRecord(value)) return notOfType(value, "'object'")
    // oxlint-disable-next-line guard-for-in
    for (const name in value) {
      if (--budget.steps < 0) return TOO_LARGE
      const problem = key?.(name, budget, depth) ?? item(value[name], budget, depth + 1)
      if (problem !== undefined) return problem
    }
    return undefined
  }
}

const schema: ValueCheck = (value, budget, depth) => metaSchemaProblem(value, budget, depth + 1)
const schemaMap = mapOf((value, budget, depth) => metaSchemaProblem(value, budget, depth))

interface Keyword {
  readonly name: string
  /** Its position in the meta-schema. */
  readonly rank: number
  readonly check: ValueCheck
}

/** The keywords of JSON Schema 2020-12 with their values, in the order in which its meta-schema lists and the service reports them. */
const keywords: ReadonlyMap<string, Keyword> = new Map(
  (
    [
      ['$id', uriReference],
      ['$schema', string],
      ['$ref', uriReference],
      ['$anchor', string],
      ['$dynamicRef', uriReference],
      ['$dynamicAnchor', string],
      ['$comment', string],
      ['$defs', schemaMap],
      ['prefixItems', schemas],
      ['items', schema],
      ['contains', schema],
      ['additionalProperties', schema],
      ['properties', schemaMap],
      [
        'patternProperties',
        mapOf((value, budget, depth) => metaSchemaProblem(value, budget, depth), pattern),
      ],
      ['dependentSchemas', schemaMap],
      ['propertyNames', schema],
      ['if', schema],
      ['then', schema],
      ['else', schema],
      ['allOf', schemas],
      ['anyOf', schemas],
      ['oneOf', schemas],
      ['not', schema],
      ['unevaluatedItems', schema],
      ['unevaluatedProperties', schema],
      ['type', type],
      ['enum', array],
      ['multipleOf', positive],
      ['maximum', number],
      ['exclusiveMaximum', number],
      ['minimum', number],
      ['exclusiveMinimum', number],
      ['maxLength', count],
      ['minLength', count],
      ['pattern', pattern],
      ['maxItems', count],
      ['minItems', count],
      ['uniqueItems', boolean],
      ['maxContains', count],
      ['minContains', count],
      ['maxProperties', count],
      ['minProperties', count],
      ['required', strings],
      ['dependentRequired', mapOf(strings)],
      ['title', string],
      ['description', string],
      ['deprecated', boolean],
      ['readOnly', boolean],
      ['writeOnly', boolean],
      ['examples', array],
      ['format', string],
      ['contentEncoding', string],
      ['contentMediaType', string],
      ['contentSchema', schema],
      ['definitions', schemaMap],
    ] as const
  ).map(([name, check], rank) => [name, { name, rank, check }]),
)

/**
 * Returns how a schema violates the meta-schema of JSON Schema 2020-12, which the service checks with Python's `jsonschema`: "'text' is
 * not of type 'object', 'boolean'", "None is not of type 'array'", "'str' is not valid under any of the given schemas". Unknown keywords
 * are valid. Captured for tools that are strict and that are not (2023 to 2026).
 */
export function metaSchemaProblem(schema: unknown, budget: CheckBudget, depth = 0): Problem {
  if (typeof schema === 'boolean') return undefined
  if (!isRecord(schema)) return notOfType(schema, "'object', 'boolean'")
  if (depth > MAX_SCHEMA_DEPTH) return TOO_LARGE
  const found: Keyword[] = []
  // Objects of JSON.parse have only own keys.
  // oxlint-disable-next-line guard-for-in
  for (const key in schema) {
    if (--budget.steps < 0) return TOO_LARGE
    const keyword = keywords.get(key)
    if (keyword !== undefined) found.push(keyword)
  }
  if (found.length > 1) found.sort(byRank)
  for (const { name, check } of found) {
    const problem = check(schema[name], budget, depth)
    if (problem !== undefined) return problem
  }
  return undefined
}

const byRank = (a: Keyword, b: Keyword): number => a.rank - b.rank
