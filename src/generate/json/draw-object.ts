import { drawLimits, minimalFrom, type Budget } from './budget.ts'
import { type Drawing, type JsonPath, chance } from './drawing.ts'
import { mapOf, numberOf, type SchemaObject, requiredOf } from '../../wire/json-schema/json-schema.ts'
import { propertySchemasOf, dependenciesOf } from './schema-document.ts'
import { drawLorem } from '../lorem.ts'
import { drawPattern } from './draw-pattern.ts'
import { isRecord, setKey } from '../../lib/record.ts'

/**
 * Draws an object. Properties are in schema order, followed by required ones that are not listed, and then others.
 */
export function drawObject(
  drawing: Drawing,
  facets: readonly SchemaObject[],
  path: JsonPath,
): Record<string, unknown> {
  const { document, budget } = drawing
  const schemasOf = (name: string): unknown[] => {
    const schemas = facets.flatMap((facet) => propertySchemasOf(facet, name, document, budget))
    if (schemas.length > 0) return schemas
    return facets.map((facet) => facet['unevaluatedProperties']).filter((schema) => schema !== undefined)
  }
  const min = Math.max(0, ...facets.map((facet) => numberOf(facet, 'minProperties') ?? 0))
  const max = Math.min(Infinity, ...facets.map((facet) => numberOf(facet, 'maxProperties') ?? Infinity))
  const { names, required } = planNames(drawing, facets, { min, max, minimal: path.minimal }, schemasOf)

  const value: Record<string, unknown> = {}
  let size = 0
  const drawProperty = (name: string, isRequired: boolean): void => {
    if (budget.values > drawLimits.values) {
      if (isRequired) [drawing.failures, drawing.exceeded] = [drawing.failures + 1, true]
      return
    }
    const failuresBefore = drawing.failures
    const drawn = drawing.draw(schemasOf(name), { depth: path.depth + 1, name, minimal: path.minimal })
    if (drawing.failures > failuresBefore && !isRequired) {
      drawing.failures = failuresBefore
      drawing.exceeded = false
    } else {
      setKey(value, name, drawn)
      size++
    }
  }

  // An object that is too large to match is not drawn completely.
  const isTooLarge = Math.max(required.size, min) > drawLimits.values
  if (isTooLarge) [drawing.failures, drawing.exceeded] = [drawing.failures + 1, true]
  for (const name of isTooLarge ? names.slice(0, minimalFrom.values) : names)
    drawProperty(name, required.has(name))
  const isMap = facets.every((facet) => Object.keys(mapOf(facet, 'properties')).length === 0)
  const usual = isMap && !path.minimal && facets.some(describesAdditional) ? 1 + drawing.random.below(3) : 0
  const additional = isTooLarge ? 0 : Math.min(max - size, Math.max(min - size, usual))
  if (additional > 0) {
    for (const name of drawAdditionalNames(drawing, facets, additional, new Set(names), schemasOf)) {
      drawProperty(name, false)
    }
  }
  if (size < min) drawing.failures++
  return value
}

/** Whether a schema describes additional properties, so that the object is a map. */
function describesAdditional(facet: SchemaObject): boolean {
  return ['additionalProperties', 'patternProperties'].some(
    (key) => Object.keys(mapOf(facet, key)).length > 0,
  )
}

/** Attempts to draw a name that can be used. */
const TRIES_PER_NAME = 8

/** Length of a name drawn from a pattern. */
const nameLength = { min: 1, max: 24 }

/** Draws names of unlisted properties: from `propertyNames`, from a pattern, or a word. */
function drawAdditionalNames(
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

  for (
    let tries = wanted * TRIES_PER_NAME;
    tries > 0 && names.size < wanted && !drawing.budget.spent;
    tries--
  ) {
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
  const name = drawing.draw([{ type: 'string' }, ...schemas], { depth: 0, name: 'key', minimal: true })
  drawing.failures = failuresBefore
  return typeof name === 'string' ? name : undefined
}

function drawPatternName(
  { random, document, budget }: Drawing,
  patterns: readonly string[],
): string | undefined {
  const pattern = document.pattern(patterns[random.below(patterns.length)], budget)
  return pattern && drawPattern(pattern, random, nameLength, budget)
}

/** Adds a number if the word is taken. */
function drawWord({ random }: Drawing, names: ReadonlySet<string>): string {
  const word = drawLorem(random, 1).text.toLowerCase()
  return names.has(word) ? `${word}_${names.size}` : word
}

/** An optional property is present in three of four objects. */
const PRESENT = 3
const OUT_OF = 4

/** Requirements on an object. */
export interface ObjectPlan {
  readonly min: number
  readonly max: number
  /** Adds optional properties only if `min` or another property requires them. */
  readonly minimal: boolean
}

/** Chooses the listed properties of an object, in schema order. */
function planNames(
  { random, recursion, budget }: Drawing,
  facets: readonly SchemaObject[],
  { min, max, minimal }: ObjectPlan,
  schemasOf: (name: string) => readonly unknown[],
): { readonly names: readonly string[]; readonly required: ReadonlySet<string> } {
  const required = new Set(facets.flatMap(requiredOf))
  const forbidden = new Set(facets.flatMap((facet) => forbiddenNames(facet['not'])))
  const known = new Set(facets.flatMap((facet) => Object.keys(mapOf(facet, 'properties'))))
  budget.spend((known.size + required.size) * 2)
  const optional = [...known].filter((name) => !required.has(name) && !forbidden.has(name))
  const isUsable = (name: string): boolean =>
    schemasOf(name).every((schema) => recursion.of(schema, budget) < Infinity)

  const chosen = new Set(required)
  const room = Math.min(max, drawLimits.values)
  const minimalRoom = Math.min(room, required.size + minimalFrom.values)
  for (const name of optional) {
    if (chosen.size >= minimalRoom || !budget.spend(1)) break
    if (!minimal && chance(random, PRESENT, OUT_OF) && isUsable(name)) chosen.add(name)
  }
  for (const name of optional) {
    if (chosen.size >= Math.min(min, room) || !budget.spend(1)) break
    if (!chosen.has(name) && isUsable(name)) chosen.add(name)
  }
  addDependents(facets, chosen, required, budget)
  const listed = [...known].filter((name) => chosen.has(name))
  return { names: [...listed, ...[...chosen].filter((name) => !known.has(name))], required }
}

/** Adds the dependencies of the chosen properties. They are all required. */
function addDependents(
  facets: readonly SchemaObject[],
  chosen: Set<string>,
  required: Set<string>,
  budget: Budget,
): void {
  const needs = facets
    .flatMap((facet) => dependenciesOf(facet, budget))
    .filter(({ names }) => names !== undefined)
  if (needs.length === 0) return
  const byName = new Map<string, unknown[]>()
  for (const { name, names } of needs) byName.set(name, [...(byName.get(name) ?? []), ...(names ?? [])])
  // The loop over a set also visits entries that are added during the loop.
  for (const name of chosen) {
    if (chosen.size > drawLimits.values) break
    for (const needed of byName.get(name) ?? []) {
      if (typeof needed !== 'string') continue
      chosen.add(needed)
      required.add(needed)
    }
  }
}

/** Returns the name that `not: { required: [name] }` forbids. */
function forbiddenNames(not: unknown): string[] {
  if (!isRecord(not)) return []
  const names = requiredOf(not)
  return names.length === 1 && Object.keys(not).length === 1 ? names : []
}
