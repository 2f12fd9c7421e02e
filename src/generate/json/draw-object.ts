import { drawLimits, frugalFrom } from './draw-limits.ts'
import type { Drawing, JsonPath } from './drawing.ts'
import { drawFurtherNames } from './further-names.ts'
import { mapOf, numberOf, setKey, type SchemaObject } from './json-schema.ts'
import { propertySchemasOf } from './object-parts.ts'
import { planNames } from './plan-names.ts'

/** Draws an object: its properties in the order of the schema, then required ones that are not listed, then others. */
export function drawObject(
  drawing: Drawing,
  facets: readonly SchemaObject[],
  place: JsonPath,
): Record<string, unknown> {
  const { document, budget } = drawing
  const schemasOf = (name: string): unknown[] => {
    const schemas = facets.flatMap((facet) => propertySchemasOf(facet, name, document, budget))
    if (schemas.length > 0) return schemas
    return facets.map((facet) => facet['unevaluatedProperties']).filter((schema) => schema !== undefined)
  }
  const least = Math.max(0, ...facets.map((facet) => numberOf(facet, 'minProperties') ?? 0))
  const most = Math.min(Infinity, ...facets.map((facet) => numberOf(facet, 'maxProperties') ?? Infinity))
  const { names, required } = planNames(drawing, facets, { least, most, frugal: place.frugal }, schemasOf)

  const value: Record<string, unknown> = {}
  let size = 0
  const drawProperty = (name: string, isRequired: boolean): void => {
    if (budget.values > drawLimits.values) {
      if (isRequired) [drawing.failures, drawing.exceeded] = [drawing.failures + 1, true]
      return
    }
    const failuresBefore = drawing.failures
    const drawn = drawing.draw(schemasOf(name), { depth: place.depth + 1, name, frugal: place.frugal })
    if (drawing.failures > failuresBefore && !isRequired) {
      drawing.failures = failuresBefore
      drawing.exceeded = false
    } else {
      setKey(value, name, drawn)
      size++
    }
  }

  // What is too large to fit is not drawn to its end.
  const isTooLarge = Math.max(required.size, least) > drawLimits.values
  if (isTooLarge) [drawing.failures, drawing.exceeded] = [drawing.failures + 1, true]
  for (const name of isTooLarge ? names.slice(0, frugalFrom.values) : names)
    drawProperty(name, required.has(name))
  const isMap = facets.every((facet) => Object.keys(mapOf(facet, 'properties')).length === 0)
  const usual = isMap && !place.frugal && facets.some(describesFurther) ? 1 + drawing.random.below(3) : 0
  const further = isTooLarge ? 0 : Math.min(most - size, Math.max(least - size, usual))
  if (further > 0) {
    for (const name of drawFurtherNames(drawing, facets, further, new Set(names), schemasOf)) {
      drawProperty(name, false)
    }
  }
  if (size < least) drawing.failures++
  return value
}

/** Whether a schema says what properties without a name of their own are like, so that it means a map of such. */
function describesFurther(facet: SchemaObject): boolean {
  return ['additionalProperties', 'patternProperties'].some(
    (key) => Object.keys(mapOf(facet, key)).length > 0,
  )
}
