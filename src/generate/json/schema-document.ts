import { isRecord } from '../../lib/record.ts'
import type { Budget } from './budget.ts'
import { parsePattern } from './pattern-parser.ts'
import type { Pattern } from './pattern-syntax.ts'
import { listOf, numberOf, type SchemaObject, mapOf, ownOf } from './json-schema.ts'
import { matchesPattern } from './match-pattern.ts'

/** Schemas searched for an `$anchor`. */
const ANCHOR_SEARCH = 2_000

/** A whole schema with what its parts refer to, each looked up once. */
export class SchemaDocument {
  readonly #root: unknown
  readonly #targets = new Map<string, unknown>()
  readonly #patterns = new Map<string, Pattern | undefined>()

  constructor(root: unknown) {
    this.#root = root
  }

  /**
   * The schema that a `$ref` points at: `#`, a JSON pointer (`#/$defs/a~1b`) or an anchor (`#name`). What stands before
   * the `#` is ignored, since there is only this one document; `true` when the reference leads nowhere.
   */
  resolve(reference: unknown): unknown {
    if (typeof reference !== 'string') return true
    let target = this.#targets.get(reference)
    if (target === undefined) {
      const found = this.#find(reference.slice(reference.indexOf('#') + 1), reference.includes('#'))
      target = isRecord(found) || found === false ? found : true
      this.#targets.set(reference, target)
    }
    return target
  }

  /** A regular expression of the schema; undefined when it is none, or is not followed. */
  pattern(source: unknown, budget: Budget): Pattern | undefined {
    if (typeof source !== 'string') return undefined
    const known = this.#patterns.get(source)
    if (known !== undefined || this.#patterns.has(source)) return known
    if (!budget.spend(source.length * 2)) return undefined
    const pattern = parsePattern(source)
    this.#patterns.set(source, pattern)
    return pattern
  }

  #find(fragment: string, hasFragment: boolean): unknown {
    if (!hasFragment) return isRecord(this.#root) && this.#root['$id'] === fragment ? this.#root : true
    if (fragment === '') return this.#root
    if (!fragment.startsWith('/')) return this.#findAnchor(fragment)
    let target = this.#root
    for (const part of decodeFragment(fragment).slice(1).split('/')) {
      const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
      if (typeof target !== 'object' || target === null || !Object.hasOwn(target, key)) return true
      target = (target as Record<string, unknown>)[key]
    }
    return target
  }

  #findAnchor(name: string): unknown {
    const queue: unknown[] = [this.#root]
    for (let at = 0; at < queue.length && at < ANCHOR_SEARCH; at++) {
      const schema = queue[at]
      if (isRecord(schema) && (schema['$anchor'] === name || schema['$dynamicAnchor'] === name)) return schema
      if (typeof schema !== 'object' || schema === null) continue
      for (const key in schema) {
        if (queue.length >= ANCHOR_SEARCH) break
        queue.push((schema as Record<string, unknown>)[key])
      }
    }
    return true
  }
}

function decodeFragment(fragment: string): string {
  try {
    return decodeURIComponent(fragment)
  } catch {
    return fragment
  }
}

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
