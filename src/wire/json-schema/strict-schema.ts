import { cacheKeyOf, RecentMap } from '../../lib/caches.ts'
import { isRecord } from '../../lib/record.ts'
import { schemaProblem } from './check-schema.ts'
import type { SchemaObject } from './json-schema.ts'

/** Deeper schemas cannot be strict. */
const MAX_DEPTH = 32

/** Schemas per generation of the cache. */
const MAX_CACHED_SCHEMAS = 500

/** Longer schemas are not cached. In characters. */
const MAX_CACHED_LENGTH = 64 * 1024

const byText = new RecentMap<string, SchemaObject>(MAX_CACHED_SCHEMAS)
const byObject = new WeakMap<SchemaObject, SchemaObject>()

/**
 * Returns the schema that the service uses for a function of Responses without `strict`: a strict one, in which all properties are
 * required and objects are closed, if the schema allows it. Otherwise returns the schema itself, which is then not strict.
 */
export function defaultSchema(schema: SchemaObject): SchemaObject {
  const known = byObject.get(schema)
  if (known !== undefined) return known
  const text = cacheKeyOf(schema)
  const used = byText.get(text) ?? strictOrSame(schema)
  if (text !== '' && text.length <= MAX_CACHED_LENGTH) byText.set(text, used)
  byObject.set(schema, used)
  return used
}

function strictOrSame(schema: SchemaObject): SchemaObject {
  const strict = strictCopy(schema, 0)
  return isRecord(strict) && schemaProblem(strict, 'function', true) === '' ? strict : schema
}

/** Returns a copy in which objects with properties are closed and require all of them. Too deep parts are returned as they are. */
function strictCopy(schema: unknown, depth: number): unknown {
  if (!isRecord(schema) || depth > MAX_DEPTH) return schema
  const copy: Record<string, unknown> = { ...schema }
  for (const keyword of ['properties', '$defs', 'definitions']) {
    const map = schema[keyword]
    if (isRecord(map)) copy[keyword] = copyMembers(map, depth)
  }
  if (isRecord(schema['items'])) copy['items'] = strictCopy(schema['items'], depth + 1)
  if (Array.isArray(schema['anyOf']))
    copy['anyOf'] = schema['anyOf'].map((part) => strictCopy(part, depth + 1))
  if (isRecord(schema['properties'])) {
    copy['required'] = Object.keys(schema['properties'])
    copy['additionalProperties'] = schema['additionalProperties'] ?? false
  }
  return copy
}

function copyMembers(map: SchemaObject, depth: number): SchemaObject {
  return Object.fromEntries(
    Object.entries(map).map(([name, schema]) => [name, strictCopy(schema, depth + 1)]),
  )
}
