import { isRecord } from '../../lib/record.ts'
import { listOf, mapOf, requiredOf, type SchemaObject } from './json-schema.ts'
import { pythonText } from './python-text.ts'
import { findReference } from './references.ts'

/** A schema inside a document. */
export interface SchemaNode {
  readonly schema: SchemaObject
  readonly root: SchemaObject
  /** The type that is checked: `type`, or one entry of it. Undefined without `type`. */
  readonly type: unknown
  /** Whether it is the schema of a property, as opposed to items, a branch of `anyOf` or a definition. */
  readonly isProperty: boolean
}

/**
 * A rule of the service for the schemas of tools and response formats.
 *
 * - `strict`: only for `strict: true`
 * - `always`: also for tools and formats that are not strict (Azure, 2024-07 to 2026-05; all families)
 */
export interface SchemaRule {
  readonly scope: 'strict' | 'always'
  /** `In context=(...), ` or `context=(...), `: two rules of the service write the context without "In". */
  readonly prefix?: 'context='
  /** Returns the broken rule in the words of the service, or undefined. */
  readonly problem: (node: SchemaNode) => string | undefined
}

/** `$ref` and nothing else: "$ref cannot have keywords {'description'}". */
const referenceStandsAlone: SchemaRule = {
  scope: 'strict',
  prefix: 'context=',
  problem: ({ schema, root }) => {
    if (schema['$ref'] === undefined || schema === root) return undefined
    const others = Object.keys(schema).filter((key) => key !== '$ref')
    if (others.length === 0) return undefined
    return `$ref cannot have keywords {${others
      .sort()
      .map((key) => pythonText(key))
      .join(', ')}}.`
  },
}

/** The text for a reference to nothing is not captured. */
const referenceIsDefined: SchemaRule = {
  scope: 'strict',
  problem: ({ schema: { $ref: reference }, root }) => {
    if (typeof reference !== 'string' || reference === '#') return undefined
    const isDefinition = /^#\/(\$defs|definitions)\/[^/]+$/.test(reference)
    if (isDefinition && findReference(root, reference) !== undefined) return undefined
    return 'reference can only point to definitions defined at the top level of the schema.'
  },
}

/** The context of this text is not captured. */
const hasNoNegation: SchemaRule = {
  scope: 'strict',
  problem: ({ schema }) => (schema['not'] === undefined ? undefined : "Unsupported keywords ('not',)."),
}

/**
 * Keywords that strict schemas must not have. All but `prefixItems`, `dependent...`, `dependencies` and `unevaluated...` are captured
 * (2025-05 to 2026-09). Bounds of numbers, lengths, `pattern`, `default` and unknown keywords are accepted today: until about 2025-06
 * the service refused them too.
 */
const forbiddenKeywords = new Set([
  'allOf',
  'contains',
  'dependencies',
  'dependentRequired',
  'dependentSchemas',
  'else',
  'if',
  'maxContains',
  'maxProperties',
  'minContains',
  'minProperties',
  'oneOf',
  'patternProperties',
  'prefixItems',
  'propertyNames',
  'then',
  'unevaluatedItems',
  'unevaluatedProperties',
  'uniqueItems',
])

const hasPermittedKeywords: SchemaRule = {
  scope: 'strict',
  problem: ({ schema, root }) => {
    // oxlint-disable-next-line guard-for-in
    for (const key in schema) {
      // The root must be an object and not a union (OpenAI's guide). The text is that of `oneOf`.
      if (forbiddenKeywords.has(key) || (key === 'anyOf' && schema === root))
        return `'${key}' is not permitted.`
    }
    return undefined
  },
}

export const NO_TYPE = "schema must have a 'type' key."

const hasType: SchemaRule = {
  scope: 'strict',
  problem: ({ schema }) =>
    schema['type'] === undefined && schema['anyOf'] === undefined && schema['$ref'] === undefined
      ? NO_TYPE
      : undefined,
}

const isNumber = (value: unknown): boolean => typeof value === 'number'
const typeTests: Readonly<Record<string, (value: unknown) => boolean>> = {
  array: (value) => Array.isArray(value),
  boolean: (value) => typeof value === 'boolean',
  integer: (value) => Number.isInteger(value),
  null: (value) => value === null,
  number: isNumber,
  object: isRecord,
  string: (value) => typeof value === 'string',
}

const enumFitsType: SchemaRule = {
  scope: 'strict',
  prefix: 'context=',
  problem: ({ schema }) => {
    const { type } = schema
    if (type === undefined || !Array.isArray(schema['enum'])) return undefined
    const tests = (Array.isArray(type) ? type : [type]).map((name) => typeTests[String(name)])
    const wrong = schema['enum'].findIndex((value) => !tests.some((test) => test?.(value)))
    if (wrong < 0) return undefined
    const value: unknown = schema['enum'][wrong]
    const text = typeof value === 'string' ? value : pythonText(value)
    return `enum value ${text} does not validate against {'type': ${pythonText(type)}}.`
  },
}

/** The rules of each schema, in the order in which they are reported. The order is captured only in part. */
export const nodeRules: readonly SchemaRule[] = [
  referenceStandsAlone,
  referenceIsDefined,
  hasNoNegation,
  hasPermittedKeywords,
  hasType,
  enumFitsType,
]

const hasItems: SchemaRule = {
  scope: 'always',
  problem: ({ schema, type }) =>
    type === 'array' && schema['items'] === undefined ? 'array schema missing items.' : undefined,
}

const itemsAreSchema: SchemaRule = {
  scope: 'always',
  problem: ({ schema, type }) =>
    type === 'array' && typeof schema['items'] === 'boolean'
      ? 'array schema items is not an object.'
      : undefined,
}

/** The formats of strict schemas (OpenAI's guide; refusals of others until 2026-08). */
const formats = new Set<unknown>([
  'date',
  'date-time',
  'duration',
  'email',
  'hostname',
  'ipv4',
  'ipv6',
  'time',
  'uuid',
])

const hasKnownFormat: SchemaRule = {
  scope: 'strict',
  problem: ({ schema: { format }, type }) =>
    type === 'string' && format !== undefined && !formats.has(format)
      ? `${pythonText(format)} is not a valid format.`
      : undefined,
}

/** A property without `properties` is a map if its values have a schema. The schema of the values is checked instead. */
const isClosed: SchemaRule = {
  scope: 'strict',
  problem: ({ schema, root, type, isProperty }) => {
    const { additionalProperties: others, properties } = schema
    if (type !== 'object' || others === false) return undefined
    if (isRecord(others) && properties === undefined && (isProperty || schema === root)) return undefined
    return "'additionalProperties' is required to be supplied and to be false."
  },
}

const rootHasProperties: SchemaRule = {
  scope: 'always',
  problem: ({ schema, root, type }) =>
    schema === root && type === 'object' && schema['properties'] === undefined
      ? 'object schema missing properties.'
      : undefined,
}

/** The rules of a schema for one of its types, in the order in which they are reported. */
export const typeRules: readonly SchemaRule[] = [
  hasItems,
  itemsAreSchema,
  hasKnownFormat,
  isClosed,
  rootHasProperties,
]

const REQUIRED = "'required' is required to be supplied and to be an array including every key in properties."

/** Reported after the rules of the properties. A property that is empty or an open map does not count as one. */
export const requiresAllProperties: SchemaRule = {
  scope: 'strict',
  problem: ({ schema, type }) => {
    if (type !== 'object') return undefined
    const properties = mapOf(schema, 'properties')
    const names = Object.keys(properties).filter((name) => !isLeftOut(properties[name]))
    const required = new Set(requiredOf(schema))
    const missing = names.find((name) => !required.has(name))
    if (missing !== undefined) return `${REQUIRED} Missing ${pythonText(missing)}.`
    const known = new Set(names)
    const extra = listOf(schema, 'required').find((name) => !known.has(name as string))
    return extra === undefined ? undefined : `${REQUIRED} Extra required key ${pythonText(extra)} supplied.`
  },
}

/** Whether the service drops a property: `{}`, or an object without `properties` (measured 2026-09, and reports since 2025). */
function isLeftOut(schema: unknown): boolean {
  return (
    isEmpty(schema) || (isRecord(schema) && schema['type'] === 'object' && schema['properties'] === undefined)
  )
}

/** Whether a schema is `{}`. */
export function isEmpty(schema: unknown): boolean {
  return isRecord(schema) && Object.keys(schema).length === 0
}
