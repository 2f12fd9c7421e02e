import type { Budget } from './budget.ts'
import { mapOf, ownOf, type SchemaObject } from './json-schema.ts'
import { matchesPattern } from './match-pattern.ts'
import type { SchemaDocument } from './schema-document.ts'

/**
 * What a schema says of the property of a name: its own entry and each pattern that the name matches, or else
 * `additionalProperties`. Empty when it says nothing.
 */
export function propertySchemasOf(
  schema: SchemaObject,
  name: string,
  document: SchemaDocument,
  budget: Budget,
): unknown[] {
  const schemas: unknown[] = []
  budget.spend(1)
  const own = ownOf(mapOf(schema, 'properties'), name)
  if (own !== undefined) schemas.push(own)
  const patterns = mapOf(schema, 'patternProperties')
  for (const source in patterns) {
    if (!budget.spend(1)) break
    const pattern = document.pattern(source, budget)
    if (pattern && matchesPattern(pattern, name, budget)) schemas.push(patterns[source])
  }
  if (schemas.length === 0 && schema['additionalProperties'] !== undefined) {
    schemas.push(schema['additionalProperties'])
  }
  return schemas
}

/** A property that, where it is there, needs others (`names`) or a further schema (2019-09's keywords and draft 7's). */
export interface Dependency {
  readonly name: string
  readonly names?: readonly unknown[]
  readonly schema?: unknown
}

/** All dependencies of a schema. */
export function dependenciesOf(schema: SchemaObject, budget: Budget): Dependency[] {
  const dependencies: Dependency[] = []
  for (const keyword of ['dependentRequired', 'dependentSchemas', 'dependencies']) {
    if (schema[keyword] === undefined) continue
    for (const [name, needs] of Object.entries(mapOf(schema, keyword))) {
      budget.spend(2)
      dependencies.push(Array.isArray(needs) ? { name, names: needs } : { name, schema: needs })
    }
  }
  return dependencies
}
