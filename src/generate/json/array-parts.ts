import { isRecord } from '../../lib/record.ts'
import { listOf, numberOf, type SchemaObject } from './json-schema.ts'

/** What a schema says of the item at a place: `prefixItems` and `items`, or draft 7's list of `items` and the rest. */
export function itemSchemaOf(schema: SchemaObject, at: number): unknown {
  const prefix = prefixOf(schema)
  if (at < prefix.length) return prefix[at]
  const { items } = schema
  return Array.isArray(items) ? schema['additionalItems'] : (items ?? schema['unevaluatedItems'])
}

/** The schemas of the first items, each with its own. */
export function prefixOf(schema: SchemaObject): readonly unknown[] {
  return Array.isArray(schema['prefixItems']) ? listOf(schema, 'prefixItems') : listOf(schema, 'items')
}

/** How many items must fit `contains`; undefined when the schema has none. */
export function containsOf(schema: SchemaObject): { least: number; most: number } | undefined {
  if (!isRecord(schema['contains']) && typeof schema['contains'] !== 'boolean') return undefined
  return { least: numberOf(schema, 'minContains') ?? 1, most: numberOf(schema, 'maxContains') ?? Infinity }
}
