import { containsOf, itemSchemaOf, prefixOf } from './schema-document.ts'
import { drawLimits } from './budget.ts'
import { type Drawing, type JsonPath, between } from './drawing.ts'
import { numberOf, type SchemaObject } from '../../wire/json-schema/json-schema.ts'

/** Default number of items above the minimum. Deep arrays have fewer, so that trees stay small. */
const DEFAULT_EXTRA_ITEMS = 3
const DEEP = 2
const DEFAULT_EXTRA_ITEMS_DEEP = 2

/** Attempts to draw an item that is not in the array yet. */
const MAX_UNIQUE_TRIES = 60

/** Draws an array of 1 to 3 items, or as many as the schemas require. */
export function drawArray(drawing: Drawing, facets: readonly SchemaObject[], path: JsonPath): unknown[] {
  const wanted = facets.flatMap(wantedItems).slice(0, drawLimits.items)
  const prefixLength = Math.max(0, ...facets.map((facet) => prefixOf(facet).length))
  const min = Math.max(0, minWanted(facets), ...facets.map((facet) => numberOf(facet, 'minItems') ?? 0))
  const max = Math.min(
    drawLimits.items,
    ...facets.map((facet) => Math.floor(numberOf(facet, 'maxItems') ?? Infinity)),
  )
  const count = Math.min(max, drawCount(drawing, facets, min, prefixLength, path))
  const isUnique = facets.some((facet) => facet['uniqueItems'] === true)
  const seen = new Set<string>()
  const itemPath = { ...path, depth: path.depth + 1 }

  const items: unknown[] = []
  while (items.length < count) {
    const at = items.length
    const schemas = itemSchemas(facets, at)
    drawing.budget.spend(facets.length >> 1)
    // Items for `contains` follow the items with their own schemas.
    const special = wanted[at - (count - wanted.length)]
    if (special !== undefined) schemas.push(special)
    if (at >= min && isEndless(drawing, schemas)) break
    const failuresBefore = drawing.failures
    const item = drawItem(drawing, schemas, itemPath, isUnique ? seen : undefined)
    if (drawing.failures > failuresBefore && at >= min) {
      drawing.failures = failuresBefore
      drawing.exceeded = false
      break
    }
    items.push(item)
    if (drawing.budget.spent || drawing.budget.values > drawLimits.values) break
  }
  if (items.length < min) {
    drawing.failures++
    drawing.exceeded ||= min > drawLimits.items
  }
  return items
}

function minWanted(facets: readonly SchemaObject[]): number {
  return facets.reduce((sum, facet) => sum + (containsOf(facet)?.min ?? 0), 0)
}

/** One entry for each item that must match `contains`. */
function wantedItems(facet: SchemaObject): unknown[] {
  const minCount = Math.min(drawLimits.items, Math.max(0, Math.ceil(containsOf(facet)?.min ?? 0)))
  return Array.from({ length: minCount }, () => facet['contains'])
}

function drawCount(
  { random }: Drawing,
  facets: readonly SchemaObject[],
  min: number,
  prefixLength: number,
  { minimal, depth }: JsonPath,
): number {
  const minCount = Math.min(drawLimits.items, Math.ceil(min))
  if (minimal) return minCount
  if (prefixLength > 0) return Math.max(minCount, prefixLength)
  const hasNoItems = facets.every((facet) => facet['items'] === undefined)
  const fallback = minCount > 0 || hasNoItems ? 0 : 1
  const extra = (depth >= DEEP ? DEFAULT_EXTRA_ITEMS_DEEP : DEFAULT_EXTRA_ITEMS) - (minCount > 0 ? 1 : 0)
  return between(random, Math.max(minCount, fallback), minCount + extra)
}

function itemSchemas(facets: readonly SchemaObject[], at: number): unknown[] {
  return facets.map((facet) => itemSchemaOf(facet, at)).filter((schema) => schema !== undefined)
}

function isEndless({ recursion, budget }: Drawing, schemas: readonly unknown[]): boolean {
  return schemas.some((schema) => recursion.of(schema, budget) === Infinity)
}

function drawItem(
  drawing: Drawing,
  schemas: readonly unknown[],
  path: JsonPath,
  seen: Set<string> | undefined,
): unknown {
  if (!seen) return drawing.draw(schemas, path)
  const failuresBefore = drawing.failures
  const mark = drawing.budget.mark()
  for (let attempt = 0; attempt < MAX_UNIQUE_TRIES && !drawing.budget.spent; attempt++) {
    drawing.failures = failuresBefore
    drawing.budget.reset(mark)
    const item = drawing.draw(schemas, path)
    if (drawing.failures > failuresBefore) return item
    const key = JSON.stringify(item)
    drawing.budget.spend(key.length >> 3)
    if (!seen.has(key)) {
      seen.add(key)
      return item
    }
  }
  drawing.failures++
  return null
}
