import { containsOf, itemSchemaOf, prefixOf } from './schema-document.ts'
import { drawLimits } from './budget.ts'
import { type Drawing, type JsonPath, between } from './drawing.ts'
import { numberOf, type SchemaObject } from './json-schema.ts'

/** Items beyond the fewest that an array usually has; from this depth on, so that trees stay small. */
const USUAL_ITEMS = 3
const DEEP = 2
const USUAL_ITEMS_DEEP = 2

/** How often an item is drawn for one that is not there yet. */
const TRIES_FOR_UNIQUE = 60

/** Draws an array of 1 to 3 items, or as many as the schemas ask for. */
export function drawArray(drawing: Drawing, facets: readonly SchemaObject[], place: JsonPath): unknown[] {
  const wanted = facets.flatMap(wantedItems).slice(0, drawLimits.items)
  const prefixLength = Math.max(0, ...facets.map((facet) => prefixOf(facet).length))
  const fewest = Math.max(0, leastWanted(facets), ...facets.map((facet) => numberOf(facet, 'minItems') ?? 0))
  const most = Math.min(
    drawLimits.items,
    ...facets.map((facet) => Math.floor(numberOf(facet, 'maxItems') ?? Infinity)),
  )
  const count = Math.min(most, usualCount(drawing, facets, fewest, prefixLength, place))
  const isUnique = facets.some((facet) => facet['uniqueItems'] === true)
  const seen = new Set<string>()
  const itemPlace = { ...place, depth: place.depth + 1 }

  const items: unknown[] = []
  while (items.length < count) {
    const at = items.length
    const schemas = itemSchemas(facets, at)
    drawing.budget.spend(facets.length >> 1)
    // What `contains` asks for stands last, after the items that have a place of their own.
    const special = wanted[at - (count - wanted.length)]
    if (special !== undefined) schemas.push(special)
    if (at >= fewest && isEndless(drawing, schemas)) break
    const failuresBefore = drawing.failures
    const item = drawItem(drawing, schemas, itemPlace, isUnique ? seen : undefined)
    if (drawing.failures > failuresBefore && at >= fewest) {
      drawing.failures = failuresBefore
      drawing.exceeded = false
      break
    }
    items.push(item)
    if (drawing.budget.spent || drawing.budget.values > drawLimits.values) break
  }
  if (items.length < fewest) {
    drawing.failures++
    drawing.exceeded ||= fewest > drawLimits.items
  }
  return items
}

function leastWanted(facets: readonly SchemaObject[]): number {
  return facets.reduce((sum, facet) => sum + (containsOf(facet)?.least ?? 0), 0)
}

/** One entry for each item that must fit a `contains`. */
function wantedItems(facet: SchemaObject): unknown[] {
  const least = Math.min(drawLimits.items, Math.max(0, Math.ceil(containsOf(facet)?.least ?? 0)))
  return Array.from({ length: least }, () => facet['contains'])
}

function usualCount(
  { random }: Drawing,
  facets: readonly SchemaObject[],
  fewest: number,
  prefixLength: number,
  { frugal, depth }: JsonPath,
): number {
  const least = Math.min(drawLimits.items, Math.ceil(fewest))
  if (frugal) return least
  if (prefixLength > 0) return Math.max(least, prefixLength)
  const saysNothing = facets.every((facet) => facet['items'] === undefined)
  const usual = least > 0 || saysNothing ? 0 : 1
  const further = (depth >= DEEP ? USUAL_ITEMS_DEEP : USUAL_ITEMS) - (least > 0 ? 1 : 0)
  return between(random, Math.max(least, usual), least + further)
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
  place: JsonPath,
  seen: Set<string> | undefined,
): unknown {
  if (!seen) return drawing.draw(schemas, place)
  const failuresBefore = drawing.failures
  const mark = drawing.budget.mark()
  for (let attempt = 0; attempt < TRIES_FOR_UNIQUE && !drawing.budget.spent; attempt++) {
    drawing.failures = failuresBefore
    drawing.budget.reset(mark)
    const item = drawing.draw(schemas, place)
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
