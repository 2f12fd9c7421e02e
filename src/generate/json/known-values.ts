import type { Drawing } from './drawing.ts'
import { isSmall } from './equal-json.ts'
import { listOf, typesOf, type SchemaObject } from './json-schema.ts'
import { isOfType } from './match-schema.ts'

/** Values of an `enum` that are tried for one that fits the other schemas too. */
const MOST_TRIED = 200

/** The values that the schemas limit themselves to by `enum` or `const`, the shortest list; undefined when none does. */
export function listedValues(facets: readonly SchemaObject[]): readonly unknown[] | undefined {
  let shortest: readonly unknown[] | undefined
  for (const facet of facets) {
    if (Object.hasOwn(facet, 'const')) return [facet['const']]
    const values = facet['enum']
    if (Array.isArray(values) && values.length < (shortest?.length ?? Infinity)) shortest = values
  }
  return shortest
}

/** Draws one of a list that fits, from a random start; undefined when none of those tried does. */
export function drawListed(
  drawing: Drawing,
  facets: readonly SchemaObject[],
  values: readonly unknown[],
): { readonly value: unknown } | undefined {
  if (values.length === 0) return undefined
  const start = drawing.random.below(values.length)
  for (let step = 0; step < Math.min(values.length, MOST_TRIED) && !drawing.budget.spent; step++) {
    const value = values[(start + step) % values.length]
    if (isSmall(value, drawing.budget) && fitsOwn(drawing, facets, value)) return { value }
  }
  return undefined
}

/** A lone schema of a plain list needs no judge, whose time grows with the list. */
function fitsOwn(drawing: Drawing, facets: readonly SchemaObject[], value: unknown): boolean {
  const [only] = facets
  const isPlain = facets.length === 1 && only && Object.keys(only).every((key) => plainKeywords.has(key))
  if (!isPlain) return drawing.fits(facets, value)
  return typesOf(only)?.some((type) => isOfType(value, type)) ?? true
}

const plainKeywords = new Set(['type', 'enum', 'const', 'title', 'description', 'default'])

/** What the schema's author gives as `examples`, `example` or `default`, once in two times where there is any. */
export function drawHint(
  drawing: Drawing,
  facets: readonly SchemaObject[],
): { readonly value: unknown } | undefined {
  const hints: unknown[] = []
  for (const facet of facets) {
    hints.push(...listOf(facet, 'examples').slice(0, 20))
    if (facet['example'] !== undefined) hints.push(facet['example'])
    if (facet['default'] !== undefined) hints.push(facet['default'])
  }
  if (hints.length === 0 || drawing.random.below(2) === 0) return undefined
  return drawListed(drawing, facets, hints)
}
