import { containsOf, itemSchemaOf } from './array-parts.ts'
import { equalJson } from './equal-json.ts'
import { numberOf, type SchemaObject } from './json-schema.ts'
import type { SchemaMatcher } from './match-schema.ts'

/** The keywords of arrays. */
export function matchesArray(
  matcher: SchemaMatcher,
  schema: SchemaObject,
  items: readonly unknown[],
): boolean {
  matcher.budget.spend(items.length >> 2)
  if (items.length < (numberOf(schema, 'minItems') ?? 0)) return false
  if (items.length > (numberOf(schema, 'maxItems') ?? Infinity)) return false
  for (const [at, item] of items.entries()) {
    const part = itemSchemaOf(schema, at)
    if (part !== undefined && !matcher.matches(part, item)) return false
  }
  const contains = containsOf(schema)
  if (contains) {
    let count = 0
    for (const item of items) if (matcher.matches(schema['contains'], item)) count++
    if ((count < contains.least || count > contains.most) && !matcher.budget.spent) return false
  }
  return schema['uniqueItems'] !== true || areUnique(matcher, items)
}

function areUnique({ budget }: SchemaMatcher, items: readonly unknown[]): boolean {
  const scalars = new Set<unknown>()
  const others: unknown[] = []
  for (const item of items) {
    if (typeof item !== 'object' || item === null) {
      if (scalars.has(item)) return false
      scalars.add(item)
    } else {
      if (!budget.spend(others.length)) return true
      if (others.some((other) => equalJson(other, item, budget))) return false
      others.push(item)
    }
  }
  return true
}
