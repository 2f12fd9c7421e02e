import { numberOf, requiredOf, type SchemaObject } from './json-schema.ts'
import type { SchemaMatcher } from './match-schema.ts'
import { dependenciesOf, propertySchemasOf } from './object-parts.ts'

/** The keywords of objects. */
export function matchesObject(matcher: SchemaMatcher, schema: SchemaObject, value: SchemaObject): boolean {
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
