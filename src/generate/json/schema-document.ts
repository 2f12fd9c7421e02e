import { isRecord } from '../../lib/record.ts'
import type { Budget } from './budget.ts'
import { parsePattern } from './pattern-parser.ts'
import type { Pattern } from './pattern-syntax.ts'
import { listOf, numberOf, type SchemaObject, mapOf, ownOf } from '../../wire/json-schema/json-schema.ts'
import { findReference } from '../../wire/json-schema/references.ts'
import { matchesPattern } from './match-pattern.ts'

/** A schema document. Resolves references and regular expressions, each once. */
export class SchemaDocument {
  readonly #root: unknown
  readonly #targets = new Map<string, unknown>()
  readonly #patterns = new Map<string, Pattern | undefined>()

  constructor(root: unknown) {
    this.#root = root
  }

  /** Resolves a `$ref`. Returns `true` if the target does not exist or is not a schema. */
  resolve(reference: unknown): unknown {
    if (typeof reference !== 'string') return true
    let target = this.#targets.get(reference)
    if (target === undefined) {
      const found = findReference(this.#root, reference)
      target = isRecord(found) || found === false ? found : true
      this.#targets.set(reference, target)
    }
    return target
  }

  /** Parses a regular expression of the schema. Returns undefined if it is invalid or not supported. */
  pattern(source: unknown, budget: Budget): Pattern | undefined {
    if (typeof source !== 'string') return undefined
    const known = this.#patterns.get(source)
    if (known !== undefined || this.#patterns.has(source)) return known
    if (!budget.spend(source.length * 2)) return undefined
    const pattern = parsePattern(source)
    this.#patterns.set(source, pattern)
    return pattern
  }
}

/**
 * Returns the schema of the item at an index: `prefixItems` and `items`, or `items` and `additionalItems` of draft 7.
 */
export function itemSchemaOf(schema: SchemaObject, at: number): unknown {
  const prefix = prefixOf(schema)
  if (at < prefix.length) return prefix[at]
  const { items } = schema
  return Array.isArray(items) ? schema['additionalItems'] : (items ?? schema['unevaluatedItems'])
}

/** Returns the schemas of the first items, one for each item. */
export function prefixOf(schema: SchemaObject): readonly unknown[] {
  return Array.isArray(schema['prefixItems']) ? listOf(schema, 'prefixItems') : listOf(schema, 'items')
}

/** Returns how many items must match `contains`; undefined without `contains`. */
export function containsOf(schema: SchemaObject): { min: number; max: number } | undefined {
  if (!isRecord(schema['contains']) && typeof schema['contains'] !== 'boolean') return undefined
  return { min: numberOf(schema, 'minContains') ?? 1, max: numberOf(schema, 'maxContains') ?? Infinity }
}

/**
 * Returns the schemas of a property: its own entry and each pattern that the name matches, or else
 * `additionalProperties`. Empty if there are none.
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

/** A property that requires other properties (`names`) or another schema (keywords of 2019-09 and draft 7). */
export interface Dependency {
  readonly name: string
  readonly names?: readonly unknown[]
  readonly schema?: unknown
}

/** Returns all dependencies of a schema. */
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
