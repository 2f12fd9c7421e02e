import { isRecord } from '../../lib/record.ts'
import type { Budget } from './budget.ts'
import { equalJson, isListed } from './equal-json.ts'
import { listOf, typesOf, type SchemaObject, numberOf, requiredOf } from './json-schema.ts'
import { matchesNumber, matchesString } from './match-scalar.ts'
import type { SchemaDocument } from './schema-document.ts'
import { containsOf, itemSchemaOf } from './array-parts.ts'
import { dependenciesOf, propertySchemasOf } from './object-parts.ts'

/** References that lead to references; a value is no deeper than this either. */
const DEEPEST = 200

/** Says whether a value fits a schema within what is left of a budget; where that runs out, it is taken to fit. */
export interface SchemaMatcher {
  readonly document: SchemaDocument
  readonly budget: Budget
  matches(schema: unknown, value: unknown): boolean
}

/** Creates the judge of drawn values: all keywords but `unevaluatedProperties` and `unevaluatedItems`. */
export function createMatcher(document: SchemaDocument, budget: Budget): SchemaMatcher {
  let depth = 0
  const matcher: SchemaMatcher = {
    document,
    budget,
    matches(schema, value) {
      if (!isRecord(schema)) return schema !== false
      if (depth > DEEPEST || !budget.spend(2)) return true
      depth++
      try {
        return matchesGeneral(matcher, schema, value) && matchesKind(matcher, schema, value)
      } finally {
        depth--
      }
    },
  }
  return matcher
}

/** Whether a value is of a type; nothing is of a type that is not known. */
export function isOfType(value: unknown, type: unknown): boolean {
  switch (type) {
    case 'integer':
      return Number.isInteger(value)
    case 'null':
      return value === null
    case 'array':
      return Array.isArray(value)
    case 'object':
      return isRecord(value)
    default:
      return typeof value === type
  }
}

function matchesGeneral(matcher: SchemaMatcher, schema: SchemaObject, value: unknown): boolean {
  const { budget, document } = matcher
  const fits = (part: unknown): boolean => matcher.matches(part, value)
  const types = typesOf(schema)
  if (types && !types.some((type) => isOfType(value, type))) return false
  if (Object.hasOwn(schema, 'const') && !equalJson(schema['const'], value, budget)) return false
  const values = listOf(schema, 'enum')
  if (Array.isArray(schema['enum']) && !isListed(values, value, budget) && !budget.spent) return false
  for (const keyword of ['$ref', '$dynamicRef', '$recursiveRef']) {
    if (schema[keyword] !== undefined && !fits(document.resolve(schema[keyword]))) return false
  }
  if (schema['not'] !== undefined && fits(schema['not']) && !budget.spent) return false
  const allOf = listOf(schema, 'allOf')
  const anyOf = listOf(schema, 'anyOf')
  const oneOf = listOf(schema, 'oneOf')
  budget.spend((allOf.length + anyOf.length + oneOf.length) >> 4)
  if (!allOf.every(fits)) return false
  if (anyOf.length > 0 && !anyOf.some(fits)) return false
  if (schema['if'] !== undefined) {
    const branch = schema[fits(schema['if']) ? 'then' : 'else']
    if (branch !== undefined && !fits(branch)) return false
  }
  return oneOf.length === 0 || matchesOne(oneOf, fits) || budget.spent
}

function matchesOne(branches: readonly unknown[], fits: (part: unknown) => boolean): boolean {
  let count = 0
  for (const branch of branches) {
    if (fits(branch) && ++count > 1) return false
  }
  return count === 1
}

function matchesKind(matcher: SchemaMatcher, schema: SchemaObject, value: unknown): boolean {
  if (typeof value === 'string') return matchesString(matcher, schema, value)
  if (typeof value === 'number') return matchesNumber(schema, value)
  if (Array.isArray(value)) return matchesArray(matcher, schema, value)
  return !isRecord(value) || matchesObject(matcher, schema, value)
}

/** The keywords of arrays. */
function matchesArray(matcher: SchemaMatcher, schema: SchemaObject, items: readonly unknown[]): boolean {
  matcher.budget.spend(items.length >> 2)
  if (items.length < (numberOf(schema, 'minItems') ?? 0)) return false
  if (items.length > (numberOf(schema, 'maxItems') ?? Infinity)) return false
  for (const [at, item] of items.entries()) {
    const part = itemSchemaOf(schema, at)
    if (part !== undefined && !matcher.matches(part, item)) return false
  }
  const contains = containsOf(schema)
  if (contains) {
    let count = 0
    for (const item of items) if (matcher.matches(schema['contains'], item)) count++
    if ((count < contains.least || count > contains.most) && !matcher.budget.spent) return false
  }
  return schema['uniqueItems'] !== true || areUnique(matcher, items)
}

function areUnique({ budget }: SchemaMatcher, items: readonly unknown[]): boolean {
  const scalars = new Set<unknown>()
  const others: unknown[] = []
  for (const item of items) {
    if (typeof item !== 'object' || item === null) {
      if (scalars.has(item)) return false
      scalars.add(item)
    } else {
      if (!budget.spend(others.length)) return true
      if (others.some((other) => equalJson(other, item, budget))) return false
      others.push(item)
    }
  }
  return true
}

/** The keywords of objects. */
function matchesObject(matcher: SchemaMatcher, schema: SchemaObject, value: SchemaObject): boolean {
  const { document, budget } = matcher
  const names = Object.keys(value)
  if (names.length < (numberOf(schema, 'minProperties') ?? 0)) return false
  if (names.length > (numberOf(schema, 'maxProperties') ?? Infinity)) return false
  const required = requiredOf(schema)
  budget.spend((names.length + required.length) >> 2)
  if (!required.every((name) => Object.hasOwn(value, name))) return false
  for (const name of names) {
    const parts = propertySchemasOf(schema, name, document, budget)
    if (!parts.every((part) => matcher.matches(part, value[name]))) return false
  }
  const nameSchema = schema['propertyNames']
  if (nameSchema !== undefined && !names.every((name) => matcher.matches(nameSchema, name))) return false
  return dependenciesOf(schema, budget).every(
    (dependency) =>
      !Object.hasOwn(value, dependency.name) ||
      (dependency.names?.every((name) => typeof name !== 'string' || Object.hasOwn(value, name)) ??
        matcher.matches(dependency.schema, value)),
  )
}
