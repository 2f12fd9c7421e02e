import { drawLorem } from '../lorem.ts'
import { drawLimits } from './draw-limits.ts'
import { drawPattern } from './draw-pattern.ts'
import type { Drawing } from './drawing.ts'
import { mapOf, type SchemaObject } from './json-schema.ts'

/** Names drawn for one that may be used. */
const TRIES = 8

/** Lengths of a name by a pattern. */
const nameExtent = { least: 1, most: 24 }

/** Draws names for properties that no schema lists: by `propertyNames`, by a pattern, or a word. */
export function drawFurtherNames(
  drawing: Drawing,
  facets: readonly SchemaObject[],
  count: number,
  taken: ReadonlySet<string>,
  schemasOf: (name: string) => readonly unknown[],
): string[] {
  const nameSchemas = facets.map((facet) => facet['propertyNames']).filter((schema) => schema !== undefined)
  const patterns = facets.flatMap((facet) => Object.keys(mapOf(facet, 'patternProperties')).slice(0, 20))
  const isClosed = facets.some((facet) => facet['additionalProperties'] === false)
  const names = new Set<string>()
  const wanted = Math.min(count, drawLimits.values)

  for (let tries = wanted * TRIES; tries > 0 && names.size < wanted && !drawing.budget.spent; tries--) {
    const usesPattern = patterns.length > 0 && (isClosed || drawing.random.below(2) === 0)
    const name =
      nameSchemas.length > 0 && !usesPattern
        ? drawName(drawing, nameSchemas)
        : usesPattern
          ? drawPatternName(drawing, patterns)
          : drawWord(drawing, names)
    if (name === undefined || taken.has(name) || names.has(name)) continue
    const usable = schemasOf(name).every((schema) => drawing.recursion.of(schema, drawing.budget) < Infinity)
    if (usable && drawing.fits(nameSchemas, name)) names.add(name)
  }
  return [...names]
}

function drawName(drawing: Drawing, schemas: readonly unknown[]): string | undefined {
  const failuresBefore = drawing.failures
  const name = drawing.draw([{ type: 'string' }, ...schemas], { depth: 0, name: 'key', frugal: true })
  drawing.failures = failuresBefore
  return typeof name === 'string' ? name : undefined
}

function drawPatternName(
  { random, document, budget }: Drawing,
  patterns: readonly string[],
): string | undefined {
  const pattern = document.pattern(patterns[random.below(patterns.length)], budget)
  return pattern && drawPattern(pattern, random, nameExtent, budget)
}

/** Numbered once the words run out. */
function drawWord({ random }: Drawing, names: ReadonlySet<string>): string {
  const word = drawLorem(random, 1).text.toLowerCase()
  return names.has(word) ? `${word}_${names.size}` : word
}
