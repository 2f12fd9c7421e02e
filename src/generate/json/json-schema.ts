/** A JSON schema that is not `true` or `false`; its keywords are whatever the client sent. */
export type SchemaObject = Readonly<Record<string, unknown>>

/** A keyword that is a number; anything else counts as absent. */
export function numberOf(schema: SchemaObject, keyword: string): number | undefined {
  const value = schema[keyword]
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/** A keyword that is a list; anything else counts as empty. */
export function listOf(schema: SchemaObject, keyword: string): readonly unknown[] {
  const value = schema[keyword]
  return Array.isArray(value) ? value : []
}

/** A keyword that is an object; anything else counts as empty. */
export function mapOf(schema: SchemaObject, keyword: string): SchemaObject {
  const value = schema[keyword]
  return isRecord(value) ? value : {}
}

/** What a map of schemas says of a name, without what objects inherit (`constructor`). */
export function ownOf(map: SchemaObject, name: string): unknown {
  return Object.hasOwn(map, name) ? map[name] : undefined
}

/** The names that a schema requires. */
export function requiredOf(schema: SchemaObject): string[] {
  return listOf(schema, 'required').filter((name) => typeof name === 'string')
}

/** The kinds of JSON values; `integer` is a kind of `number`. */
export type JsonType = 'null' | 'boolean' | 'integer' | 'number' | 'string' | 'array' | 'object'

/** There are seven types, so more entries only cost time. */
const MOST_TYPES = 20

/** The types that a schema's `type` names, and null with OpenAPI's `nullable`; undefined when it names none. */
export function typesOf(schema: SchemaObject): readonly unknown[] | undefined {
  const { type } = schema
  const types = Array.isArray(type)
    ? type.slice(0, MOST_TYPES)
    : typeof type === 'string'
      ? [type]
      : undefined
  return types && schema['nullable'] === true ? [...types, 'null'] : types
}

/** Sets a key as JSON.parse does: `__proto__` is a key like any other. */
export function setKey(target: Record<string, unknown>, key: string, value: unknown): void {
  // Defining a property takes several times as long as setting it.
  if (key !== '__proto__') target[key] = value
  else Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
}
import { isRecord } from '../../lib/record.ts'
