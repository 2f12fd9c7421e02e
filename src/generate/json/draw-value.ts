import { isRecord } from '../../lib/record.ts'
import { between } from './random-picks.ts'
import { BranchChooser, NULL_ONCE_IN } from './branch-chooser.ts'
import { drawArray } from './draw-array.ts'
import { drawLimits, frugalFrom } from './draw-limits.ts'
import { drawNumber } from './draw-number.ts'
import { drawObject } from './draw-object.ts'
import { drawString } from './draw-string.ts'
import type { Drawing, JsonPath } from './drawing.ts'
import { flatten, type Shape } from './facets.ts'
import { type JsonType, listOf, typesOf, type SchemaObject } from './json-schema.ts'
import { isSmall } from './equal-json.ts'
import { isOfType } from './match-schema.ts'

/** How often one value is drawn, each time with other branches, before it counts as impossible. */
const MOST_ATTEMPTS = 16
/** How often at least where a keyword is met by luck (`not`, `oneOf`, ...). */
const ATTEMPTS_WITH_CHECK = 8

/** Draws a value that fits all of the schemas; where it finds none, counts a failure and gives what it has. */
export function drawValue(drawing: Drawing, schemas: readonly unknown[], place: JsonPath): unknown {
  const { budget, document } = drawing
  const failuresBefore = drawing.failures
  const outOfRoom = ++budget.values > drawLimits.values || place.depth > drawLimits.depth
  if (outOfRoom || !budget.spend(6)) {
    drawing.failures++
    drawing.exceeded ||= outOfRoom
    return null
  }
  const isLarge = place.depth >= frugalFrom.depth || budget.values >= frugalFrom.values
  const frugal = place.frugal || isLarge
  const chooser = new BranchChooser(drawing, frugal)
  const mark = budget.mark()
  let value: unknown
  let attempts = 1
  for (let attempt = 0; attempt < attempts; attempt++) {
    chooser.begin(attempt)
    const shape = flatten(schemas, (branches) => chooser.choose(branches), document, budget)
    if (attempt === 0) {
      const combinations = chooser.combinations
      attempts = Math.min(MOST_ATTEMPTS, combinations)
      if (shape.needsCheck)
        attempts = Math.min(MOST_ATTEMPTS, Math.max(ATTEMPTS_WITH_CHECK, combinations * 3))
    }
    drawing.failures = failuresBefore
    budget.reset(mark)
    const isLate = attempt * 2 > attempts && attempt % 2 === 1
    value = drawShape(drawing, shape, { ...place, frugal: frugal || isLate })
    const drawn = drawing.failures === failuresBefore
    if (drawn && (!shape.needsCheck || drawing.fits(schemas, value))) return value
    if (budget.spent || (drawing.exceeded && chooser.combinations === 1)) break
    drawing.exceeded = attempt + 1 === attempts && drawing.exceeded
  }
  drawing.failures = failuresBefore + 1
  return value
}

function drawShape(drawing: Drawing, { facets, impossible }: Shape, place: JsonPath): unknown {
  const listed = listedValues(facets)
  const known = listed ? drawListed(drawing, facets, listed) : drawHint(drawing, facets)
  if (known) return known.value
  const types = valueTypes(facets)
  if (listed || impossible || types.length === 0) {
    drawing.failures++
    return null
  }
  return drawOfType(
    drawing,
    { facets, impossible, needsCheck: false },
    place,
    pickType(drawing, types, place),
  )
}

/** Null seldom, and of several types the plainest where the value is to be small. */
function pickType({ random }: Drawing, types: readonly JsonType[], { frugal }: JsonPath): JsonType {
  if (frugal && types.includes('null')) return 'null'
  const others = types.filter((type) => type !== 'null')
  if (others.length === 0 || (others.length < types.length && random.below(NULL_ONCE_IN) === 0)) return 'null'
  const plain = others.filter((type) => type !== 'object' && type !== 'array')
  const usable = frugal && plain.length > 0 ? plain : others
  return usable[between(random, 0, usable.length - 1)] ?? 'null'
}

function drawOfType(drawing: Drawing, shape: Shape, place: JsonPath, type: JsonType): unknown {
  switch (type) {
    case 'null':
      return null
    case 'boolean':
      return drawing.random.below(2) === 1
    case 'integer':
    case 'number':
      return drawNumber(drawing, shape.facets, type === 'integer', place.name)
    case 'string':
      return drawString(drawing, shape.facets, place)
    case 'array':
      return drawArray(drawing, shape.facets, place)
    default:
      return drawObject(drawing, shape.facets, place)
  }
}

/** Values of an `enum` that are tried for one that fits the other schemas too. */
const MOST_TRIED = 200

/** The values that the schemas limit themselves to by `enum` or `const`, the shortest list; undefined when none does. */
function listedValues(facets: readonly SchemaObject[]): readonly unknown[] | undefined {
  let shortest: readonly unknown[] | undefined
  for (const facet of facets) {
    if (Object.hasOwn(facet, 'const')) return [facet['const']]
    const values = facet['enum']
    if (Array.isArray(values) && values.length < (shortest?.length ?? Infinity)) shortest = values
  }
  return shortest
}

/** Draws one of a list that fits, from a random start; undefined when none of those tried does. */
function drawListed(
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
function drawHint(
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

const allTypes: readonly JsonType[] = ['string', 'number', 'object', 'array', 'boolean', 'null']

/** Keywords that only one type has; a schema without `type` means that one. */
const keywordsOf: ReadonlyArray<readonly [JsonType, readonly string[]]> = [
  [
    'object',
    ['properties', 'required', 'additionalProperties', 'patternProperties', 'minProperties', 'propertyNames'],
  ],
  ['array', ['items', 'prefixItems', 'minItems', 'maxItems', 'contains', 'uniqueItems']],
  ['string', ['pattern', 'minLength', 'maxLength', 'format']],
  ['number', ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']],
]

/**
 * The types that a value may have under all of the schemas, those that its keywords speak of first; empty when the
 * schemas contradict each other. `number` and `integer` never stand together.
 */
function valueTypes(schemas: readonly SchemaObject[]): JsonType[] {
  let types: JsonType[] | undefined
  for (const schema of schemas) {
    const named = typesOf(schema)
    if (!named) continue
    types = types ? types.flatMap((type) => narrow(type, named)) : expand(named)
  }
  const allowed = types ?? impliedTypes(schemas)
  const forbidden = new Set(schemas.flatMap((schema) => forbiddenTypes(schema['not'])))
  const left = allowed.filter((type) => !forbidden.has(type))
  return left.length > 0 || types ? left : allTypes.filter((type) => !forbidden.has(type))
}

function expand(named: readonly unknown[]): JsonType[] {
  const types = allTypes.filter((type) => named.includes(type))
  return named.includes('integer') && !types.includes('number') ? [...types, 'integer'] : types
}

function narrow(type: JsonType, named: readonly unknown[]): JsonType[] {
  if (named.includes(type)) return [type]
  if (type === 'integer' && named.includes('number')) return ['integer']
  return type === 'number' && named.includes('integer') ? ['integer'] : []
}

function impliedTypes(schemas: readonly SchemaObject[]): JsonType[] {
  const implied = keywordsOf.filter(([, keywords]) =>
    schemas.some((schema) => keywords.some((keyword) => schema[keyword] !== undefined)),
  )
  return implied.length > 0 ? implied.map(([type]) => type) : ['string']
}

/** What `not: { type }` forbids, where it says nothing else. */
function forbiddenTypes(schema: unknown): unknown[] {
  if (!isRecord(schema) || Object.keys(schema).length !== 1) return []
  const types = typesOf(schema) ?? listOf(schema, 'anyOf').flatMap(forbiddenTypes)
  return types.includes('number') ? [...types, 'integer'] : [...types]
}
