import { isRecord } from '../../lib/record.ts'
import type { Budget } from './budget.ts'
import { equalJson, isListed } from './equal-json.ts'
import {
  listOf,
  typesOf,
  type SchemaObject,
  numberOf,
  requiredOf,
} from '../../wire/json-schema/json-schema.ts'
import {
  type SchemaDocument,
  containsOf,
  itemSchemaOf,
  dependenciesOf,
  propertySchemasOf,
} from './schema-document.ts'
import { matchesPattern } from './match-pattern.ts'

/** Maximum nesting of references. Values are not deeper than this either. */
const MAX_NESTING = 200

/** Checks values against schemas within a budget. If the budget runs out, the value is treated as matching. */
export interface SchemaMatcher {
  readonly document: SchemaDocument
  readonly budget: Budget
  matches(schema: unknown, value: unknown): boolean
}

/**
 * Creates a matcher for drawn values. Supports all keywords except `unevaluatedProperties` and `unevaluatedItems`.
 */
export function createMatcher(document: SchemaDocument, budget: Budget): SchemaMatcher {
  let depth = 0
  const matcher: SchemaMatcher = {
    document,
    budget,
    matches(schema, value) {
      if (!isRecord(schema)) return schema !== false
      if (depth > MAX_NESTING || !budget.spend(2)) return true
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

/** Whether a value has a type. False for an unknown type. */
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

/** Checks the keywords of arrays. */
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
    if ((count < contains.min || count > contains.max) && !matcher.budget.spent) return false
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

/** Checks the keywords of objects. */
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

const date = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/
const time = /^(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)$/i
const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const hostname = new RegExp(`^${label}(?:\\.${label})*$`, 'i')
const emailName = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/i
const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const ipv4 = new RegExp(`^${octet}(?:\\.${octet}){3}$`)
const uuid = /^(?:urn:uuid:)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const duration = /^P(?=.)(?:\d+W|(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+S)?)?)$/

const isDateTime = (text: string): boolean =>
  /^.{10}[T ]/i.test(text) && date.test(text.slice(0, 10)) && time.test(text.slice(11))

function isEmail(text: string): boolean {
  const at = text.lastIndexOf('@')
  const host = text.slice(at + 1)
  return at > 0 && at <= 64 && host.includes('.') && hostname.test(host) && emailName.test(text.slice(0, at))
}

function isIpv6(text: string): boolean {
  const halves = text.split('::')
  const groups = text.split(':').filter((group) => group !== '')
  if (text.length > 39 || halves.length > 2 || !groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) {
    return false
  }
  return halves.length === 2 ? groups.length < 8 : groups.length === 8 && /^[^:].*[^:]$/.test(text)
}

const checks: ReadonlyMap<string, (text: string) => boolean> = new Map([
  ['date', (text: string) => date.test(text)],
  ['time', (text) => time.test(text)],
  ['date-time', isDateTime],
  ['duration', (text) => duration.test(text)],
  ['email', isEmail],
  ['hostname', (text) => text.length <= 253 && hostname.test(text)],
  ['ipv4', (text) => ipv4.test(text)],
  ['ipv6', isIpv6],
  ['uuid', (text) => uuid.test(text)],
  ['uri', (text) => /^[a-z][a-z0-9+.-]*:[^\s"<>\\^`{|}]+$/i.test(text)],
  ['uri-reference', (text) => /^[^\s"<>\\^`{|}]*$/.test(text)],
])

/**
 * Whether a text has a `format`. True for unknown formats. Close to what validators check, so that `oneOf` and `not`
 * can distinguish formats. Each expression runs in linear time.
 */
function matchesFormat(format: unknown, text: string): boolean {
  return typeof format !== 'string' || (checks.get(format)?.(text) ?? true)
}

/** Checks the keywords of strings. Length is in code points. */
export function matchesString(
  { document, budget }: Pick<SchemaMatcher, 'document' | 'budget'>,
  schema: SchemaObject,
  text: string,
): boolean {
  budget.spend(text.length >> 6)
  const min = numberOf(schema, 'minLength')
  const max = numberOf(schema, 'maxLength')
  if (min !== undefined || max !== undefined) {
    const length = Array.from(text).length
    if (length < (min ?? 0) || length > (max ?? Infinity)) return false
  }
  if (!matchesFormat(schema['format'], text)) return false
  const pattern = document.pattern(schema['pattern'], budget)
  return !pattern || matchesPattern(pattern, text, budget)
}

/** Checks the keywords of numbers, including `exclusiveMinimum: true` of draft 4. */
function matchesNumber(schema: SchemaObject, value: number): boolean {
  const { low, high, lowOpen, highOpen } = boundsOf([schema])
  if (value < low || value > high || (lowOpen && value === low) || (highOpen && value === high)) return false
  const step = numberOf(schema, 'multipleOf')
  return step === undefined || step <= 0 || isMultiple(value, step)
}

/** Whether a number is a multiple, as validators define it: the quotient of the two floats is an integer. */
export function isMultiple(value: number, step: number): boolean {
  return Number.isInteger(value / step)
}

/** Bounds of a number; infinite without a bound. An open bound excludes the bound itself. */
export interface NumberBounds {
  readonly low: number
  readonly high: number
  readonly lowOpen: boolean
  readonly highOpen: boolean
}

/** Combines the bounds of several schemas. */
export function boundsOf(schemas: readonly SchemaObject[]): NumberBounds {
  let [low, high, lowOpen, highOpen] = [-Infinity, Infinity, false, false]
  const raise = (bound: number | undefined, open: boolean): void => {
    if (bound === undefined || bound < low) return
    lowOpen = open || (lowOpen && bound === low)
    low = bound
  }
  const lower = (bound: number | undefined, open: boolean): void => {
    if (bound === undefined || bound > high) return
    highOpen = open || (highOpen && bound === high)
    high = bound
  }
  for (const schema of schemas) {
    raise(numberOf(schema, 'minimum'), schema['exclusiveMinimum'] === true)
    raise(numberOf(schema, 'exclusiveMinimum'), true)
    lower(numberOf(schema, 'maximum'), schema['exclusiveMaximum'] === true)
    lower(numberOf(schema, 'exclusiveMaximum'), true)
  }
  return { low, high, lowOpen, highOpen }
}
