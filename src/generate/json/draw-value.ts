import { isRecord } from '../../lib/record.ts'
import { drawArray } from './draw-array.ts'
import { drawNumber } from './draw-number.ts'
import { drawObject } from './draw-object.ts'
import { drawString } from './draw-string.ts'
import { between, chance, type Drawing, type JsonPath } from './drawing.ts'
import {
  type JsonType,
  listOf,
  typesOf,
  type SchemaObject,
  requiredOf,
} from '../../wire/json-schema/json-schema.ts'
import { isSmall } from './equal-json.ts'
import { isOfType } from './match-schema.ts'
import { drawLimits, minimalFrom, type Budget } from './budget.ts'
import { dependenciesOf, type SchemaDocument } from './schema-document.ts'

/** Maximum attempts to draw a value, each with other branches. */
const MAX_ATTEMPTS = 16
/** Minimum attempts if a keyword can only be met at random (`not`, `oneOf`, ...). */
const MIN_ATTEMPTS_WITH_CHECK = 8

/** Draws a value that matches all schemas. If it finds none, it counts a failure and returns the last value. */
export function drawValue(drawing: Drawing, schemas: readonly unknown[], path: JsonPath): unknown {
  const { budget, document } = drawing
  const failuresBefore = drawing.failures
  const outOfRoom = ++budget.values > drawLimits.values || path.depth > drawLimits.depth
  if (outOfRoom || !budget.spend(6)) {
    drawing.failures++
    drawing.exceeded ||= outOfRoom
    return null
  }
  const isLarge = path.depth >= minimalFrom.depth || budget.values >= minimalFrom.values
  const minimal = path.minimal || isLarge
  const chooser = new BranchChooser(drawing, minimal)
  const mark = budget.mark()
  let value: unknown
  let attempts = 1
  for (let attempt = 0; attempt < attempts; attempt++) {
    chooser.begin(attempt)
    const shape = flatten(schemas, (branches) => chooser.choose(branches), document, budget)
    if (attempt === 0) {
      const combinations = chooser.combinations
      attempts = Math.min(MAX_ATTEMPTS, combinations)
      if (shape.needsCheck)
        attempts = Math.min(MAX_ATTEMPTS, Math.max(MIN_ATTEMPTS_WITH_CHECK, combinations * 3))
    }
    drawing.failures = failuresBefore
    budget.reset(mark)
    const isLate = attempt * 2 > attempts && attempt % 2 === 1
    value = drawShape(drawing, shape, { ...path, minimal: minimal || isLate })
    const drawn = drawing.failures === failuresBefore
    if (drawn && (!shape.needsCheck || drawing.fits(schemas, value))) return value
    if (budget.spent || (drawing.exceeded && chooser.combinations === 1)) break
    drawing.exceeded = attempt + 1 === attempts && drawing.exceeded
  }
  drawing.failures = failuresBefore + 1
  return value
}

function drawShape(drawing: Drawing, { facets, impossible }: Shape, path: JsonPath): unknown {
  const listed = listedValues(facets)
  const known = listed ? drawListed(drawing, facets, listed) : drawHint(drawing, facets)
  if (known) return known.value
  const types = valueTypes(facets)
  if (listed || impossible || types.length === 0) {
    drawing.failures++
    return null
  }
  return drawOfType(drawing, { facets, impossible, needsCheck: false }, path, pickType(drawing, types, path))
}

/** Picks null rarely, and a scalar type if the value must be small. */
function pickType({ random }: Drawing, types: readonly JsonType[], { minimal }: JsonPath): JsonType {
  if (minimal && types.includes('null')) return 'null'
  const others = types.filter((type) => type !== 'null')
  if (others.length === 0 || (others.length < types.length && random.below(NULL_ONCE_IN) === 0)) return 'null'
  const plain = others.filter((type) => type !== 'object' && type !== 'array')
  const usable = minimal && plain.length > 0 ? plain : others
  return usable[between(random, 0, usable.length - 1)] ?? 'null'
}

function drawOfType(drawing: Drawing, shape: Shape, path: JsonPath, type: JsonType): unknown {
  switch (type) {
    case 'null':
      return null
    case 'boolean':
      return drawing.random.below(2) === 1
    case 'integer':
    case 'number':
      return drawNumber(drawing, shape.facets, type === 'integer', path.name)
    case 'string':
      return drawString(drawing, shape.facets, path)
    case 'array':
      return drawArray(drawing, shape.facets, path)
    default:
      return drawObject(drawing, shape.facets, path)
  }
}

/** Maximum `enum` values that are checked against the other schemas. */
const MAX_LISTED_TRIED = 200

/** Returns the shortest list of values that an `enum` or `const` allows, or undefined without one. */
function listedValues(facets: readonly SchemaObject[]): readonly unknown[] | undefined {
  let shortest: readonly unknown[] | undefined
  for (const facet of facets) {
    if (Object.hasOwn(facet, 'const')) return [facet['const']]
    const values = facet['enum']
    if (Array.isArray(values) && values.length < (shortest?.length ?? Infinity)) shortest = values
  }
  return shortest
}

/** Draws a matching value from a list, from a random start. Returns undefined if no checked value matches. */
function drawListed(
  drawing: Drawing,
  facets: readonly SchemaObject[],
  values: readonly unknown[],
): { readonly value: unknown } | undefined {
  if (values.length === 0) return undefined
  const start = drawing.random.below(values.length)
  for (let step = 0; step < Math.min(values.length, MAX_LISTED_TRIED) && !drawing.budget.spent; step++) {
    const value = values[(start + step) % values.length]
    if (isSmall(value, drawing.budget) && matchesListed(drawing, facets, value)) return { value }
  }
  return undefined
}

/** A single schema with a plain list needs no full check, which would take longer for a longer list. */
function matchesListed(drawing: Drawing, facets: readonly SchemaObject[], value: unknown): boolean {
  const [only] = facets
  const isPlain = facets.length === 1 && only && Object.keys(only).every((key) => plainKeywords.has(key))
  if (!isPlain) return drawing.fits(facets, value)
  return typesOf(only)?.some((type) => isOfType(value, type)) ?? true
}

const plainKeywords = new Set(['type', 'enum', 'const', 'title', 'description', 'default'])

/** Draws from `examples`, `example` or `default` in half of the cases, if there are any. */
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

/** Keywords of a single type. They imply the type if a schema has no `type`. */
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
 * Returns the types that all schemas allow. Without `type`, the keywords imply them. Empty if the schemas contradict
 * each other. Never contains both `number` and `integer`.
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

/** Returns the types that `not: { type }` forbids, if it has no other keyword. */
function forbiddenTypes(schema: unknown): unknown[] {
  if (!isRecord(schema) || Object.keys(schema).length !== 1) return []
  const types = typesOf(schema) ?? listOf(schema, 'anyOf').flatMap(forbiddenTypes)
  return types.includes('number') ? [...types, 'integer'] : [...types]
}

/** Branches checked for one that ends the recursion. */
const MAX_BRANCHES_CHECKED = 20

/** If null is one of several branches or types, it is chosen once in this many cases. */
const NULL_ONCE_IN = 5

/**
 * Chooses branches. Each further attempt uses another combination, like a counter with one digit per choice that
 * starts at random.
 */
class BranchChooser {
  readonly #drawing: Drawing
  readonly #starts: number[] = []
  #digits = 0
  #choices = 0
  /** Combinations seen by the last attempt. */
  combinations = 1
  /** Prefer the branch with the minimum depth. */
  minimal: boolean

  constructor(drawing: Drawing, minimal: boolean) {
    this.#drawing = drawing
    this.minimal = minimal
  }

  /** Starts an attempt. The first attempt is 0. */
  begin(attempt: number): void {
    this.#digits = attempt
    this.#choices = 0
    this.combinations = 1
  }

  choose(branches: readonly unknown[]): unknown {
    const count = branches.length
    const start = (this.#starts[this.#choices++] ??= this.#start(branches))
    const digit = this.#digits % count
    this.#digits = Math.floor(this.#digits / count)
    this.combinations = Math.min(1_000, this.combinations * count)
    return branches[(start + digit) % count]
  }

  #start(branches: readonly unknown[]): number {
    const { random, recursion, budget } = this.#drawing
    const offset = random.below(branches.length)
    if (branches.length === 1) return 0
    const takeNull = chance(random, 1, NULL_ONCE_IN)
    const nullAt = branches.slice(0, MAX_BRANCHES_CHECKED).findIndex(isNull)
    if (nullAt >= 0 && (takeNull || this.minimal)) return nullAt
    let best = offset
    let bestDepth = Infinity
    for (let step = 0; step < Math.min(branches.length, MAX_BRANCHES_CHECKED); step++) {
      const at = (offset + step) % branches.length
      const branch = branches[at]
      const depth = recursion.of(branch, budget)
      const usable = depth < Infinity && !isNull(branch)
      if (usable && !this.minimal) return at
      if (depth < bestDepth && !isNull(branch)) [best, bestDepth] = [at, depth]
    }
    return best
  }
}

function isNull(schema: unknown): boolean {
  return isRecord(schema) && (schema['type'] === 'null' || schema['const'] === null)
}

/** All schemas that apply to one value, with chosen branches. */
export interface Shape {
  readonly facets: readonly SchemaObject[]
  /** One of the schemas is `false`. */
  readonly impossible: boolean
  /** A keyword cannot be met by construction (`not`, `oneOf`, `contains`, ...), so the value must be checked. */
  readonly needsCheck: boolean
}

/** Chooses one of several branches. */
export type ChooseBranch = (branches: readonly unknown[]) => unknown

const checkedKeywords = [
  'not',
  'oneOf',
  'if',
  'contains',
  'propertyNames',
  'dependencies',
  'dependentSchemas',
]

/** Keywords that add no condition on the value beyond those of the referenced schemas. */
const neutralKeywords = new Set([
  '$ref',
  '$defs',
  'definitions',
  '$schema',
  '$id',
  'title',
  'description',
  'anyOf',
  'oneOf',
  'allOf',
  'default',
])

/** Maximum nesting of references and `allOf`. */
const MAX_NESTING = 100

/** Follows `$ref` and `allOf`, and one branch of each `anyOf`, `oneOf` and `if`, in schema order. */
function flatten(
  schemas: readonly unknown[],
  choose: ChooseBranch,
  document: SchemaDocument,
  budget: Budget,
): Shape {
  const facets = new Set<SchemaObject>()
  let impossible = false
  let needsCheck = false
  let constraining = 0

  const add = (schema: unknown, depth: number): void => {
    if (schema === false) impossible = true
    if (!isRecord(schema) || facets.has(schema)) return
    if (facets.size >= drawLimits.facets || depth > MAX_NESTING || !budget.spend(2)) return
    facets.add(schema)
    if (Object.keys(schema).some((keyword) => !neutralKeywords.has(keyword))) constraining++
    needsCheck ||= checkedKeywords.some((keyword) => schema[keyword] !== undefined)
    const addOne = (part: unknown): void => add(part, depth + 1)

    for (const keyword of ['$ref', '$dynamicRef', '$recursiveRef']) {
      if (schema[keyword] !== undefined) addOne(document.resolve(schema[keyword]))
    }
    const parts = listOf(schema, 'allOf')
    budget.spend(parts.length >> 4)
    for (const part of parts) {
      if (budget.spent || facets.size >= drawLimits.facets) break
      addOne(part)
    }
    for (const keyword of ['anyOf', 'oneOf']) {
      const branches = listOf(schema, keyword)
      if (branches.length > 0) addOne(choose(branches))
    }
    if (schema['if'] !== undefined) addOne(choose(conditionBranches(schema)))
    for (const { name, schema: needed } of dependenciesOf(schema, budget)) {
      if (needed === undefined) continue
      if (requiredOf(schema).includes(name)) addOne(needed)
      else addOne(choose([needed, { not: { required: [name] } }]))
    }
  }

  for (const schema of schemas) add(schema, 0)
  return { facets: [...facets], impossible, needsCheck: needsCheck || constraining > 1 }
}

/** Splits `if` into two branches: `if` and `then` match, or `if` does not match and `else` does. */
function conditionBranches(schema: SchemaObject): unknown[] {
  return [
    { allOf: [schema['if'], schema['then'] ?? true] },
    { allOf: [{ not: schema['if'] }, schema['else'] ?? true] },
  ]
}
