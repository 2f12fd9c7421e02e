import { isObject, listOf, typesOf, type JsonType, type SchemaObject } from './json-schema.ts'

const allTypes: readonly JsonType[] = ['string', 'number', 'object', 'array', 'boolean', 'null']

/** Keywords that only one type has; a schema without `type` means that one. */
const keywordsOf: ReadonlyArray<readonly [JsonType, readonly string[]]> = [
  [
    'object',
    ['properties', 'required', 'additionalProperties', 'patternProperties', 'minProperties', 'propertyNames'],
  ],
  ['array', ['items', 'prefixItems', 'minItems', 'maxItems', 'contains', 'uniqueItems']],
  ['string', ['pattern', 'minLength', 'maxLength', 'format']],
  ['number', ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']],
]

/**
 * The types that a value may have under all of the schemas, those that its keywords speak of first; empty when the
 * schemas contradict each other. `number` and `integer` never stand together.
 */
export function valueTypes(schemas: readonly SchemaObject[]): JsonType[] {
  let types: JsonType[] | undefined
  for (const schema of schemas) {
    const named = typesOf(schema)
    if (!named) continue
    types = types ? types.flatMap((type) => narrow(type, named)) : expand(named)
  }
  const allowed = types ?? impliedTypes(schemas)
  const forbidden = new Set(schemas.flatMap((schema) => forbiddenTypes(schema['not'])))
  const left = allowed.filter((type) => !forbidden.has(type))
  return left.length > 0 || types ? left : allTypes.filter((type) => !forbidden.has(type))
}

function expand(named: readonly unknown[]): JsonType[] {
  const types = allTypes.filter((type) => named.includes(type))
  return named.includes('integer') && !types.includes('number') ? [...types, 'integer'] : types
}

function narrow(type: JsonType, named: readonly unknown[]): JsonType[] {
  if (named.includes(type)) return [type]
  if (type === 'integer' && named.includes('number')) return ['integer']
  return type === 'number' && named.includes('integer') ? ['integer'] : []
}

function impliedTypes(schemas: readonly SchemaObject[]): JsonType[] {
  const implied = keywordsOf.filter(([, keywords]) =>
    schemas.some((schema) => keywords.some((keyword) => schema[keyword] !== undefined)),
  )
  return implied.length > 0 ? implied.map(([type]) => type) : ['string']
}

/** What `not: { type }` forbids, where it says nothing else. */
function forbiddenTypes(schema: unknown): unknown[] {
  if (!isObject(schema) || Object.keys(schema).length !== 1) return []
  const types = typesOf(schema) ?? listOf(schema, 'anyOf').flatMap(forbiddenTypes)
  return types.includes('number') ? [...types, 'integer'] : [...types]
}
