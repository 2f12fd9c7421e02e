import { isRecord } from '../../lib/record.ts'

/** A JSON schema other than `true` and `false`. Its keywords are not validated. */
export type SchemaObject = Readonly<Record<string, unknown>>

/** Returns a number keyword. Any other value is ignored. */
export function numberOf(schema: SchemaObject, keyword: string): number | undefined {
  const value = schema[keyword]
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/** Returns a list keyword. Any other value is treated as empty. */
export function listOf(schema: SchemaObject, keyword: string): readonly unknown[] {
  const value = schema[keyword]
  return Array.isArray(value) ? value : []
}

/** Returns an object keyword. Any other value is treated as empty. */
export function mapOf(schema: SchemaObject, keyword: string): SchemaObject {
  const value = schema[keyword]
  return isRecord(value) ? value : {}
}

/** Returns an entry of a map, without inherited properties such as `constructor`. */
export function ownOf(map: SchemaObject, name: string): unknown {
  return Object.hasOwn(map, name) ? map[name] : undefined
}

/** Returns the names of required properties. */
export function requiredOf(schema: SchemaObject): string[] {
  return listOf(schema, 'required').filter((name) => typeof name === 'string')
}

/** The types of JSON values. `integer` is a subtype of `number`. */
export type JsonType = 'null' | 'boolean' | 'integer' | 'number' | 'string' | 'array' | 'object'

/** Maximum entries of `type` that are read. There are only seven types. */
const MAX_TYPES = 20

/** Returns the types in `type`, and null with OpenAPI's `nullable`; undefined without `type`. */
export function typesOf(schema: SchemaObject): readonly unknown[] | undefined {
  const { type } = schema
  const types = Array.isArray(type) ? type.slice(0, MAX_TYPES) : typeof type === 'string' ? [type] : undefined
  return types && schema['nullable'] === true ? [...types, 'null'] : types
}
