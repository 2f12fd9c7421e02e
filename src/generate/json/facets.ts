import { isRecord } from '../../lib/record.ts'
import type { Budget } from './budget.ts'
import { drawLimits } from './draw-limits.ts'
import { listOf, requiredOf, type SchemaObject } from './json-schema.ts'
import { dependenciesOf } from './object-parts.ts'
import type { SchemaDocument } from './schema-document.ts'

/** All schemas that apply to one value at once, after branches were chosen. */
export interface Shape {
  readonly facets: readonly SchemaObject[]
  /** One of the schemas is `false`. */
  readonly impossible: boolean
  /** Some keyword cannot be met by construction alone (`not`, `oneOf`, `contains`, ...), so the value must be judged. */
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

/** Keywords that add nothing to what other schemas say of the same value. */
const bystanders = new Set([
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

/** References and `allOf` within each other that are followed. */
const DEEPEST = 100

/** Follows `$ref` and `allOf`, and one branch of each `anyOf`, `oneOf` and `if`, in the order in which they stand. */
export function flatten(
  schemas: readonly unknown[],
  choose: ChooseBranch,
  document: SchemaDocument,
  budget: Budget,
): Shape {
  const facets = new Set<SchemaObject>()
  let impossible = false
  let needsCheck = false
  let telling = 0

  const add = (schema: unknown, depth: number): void => {
    if (schema === false) impossible = true
    if (!isRecord(schema) || facets.has(schema)) return
    if (facets.size >= drawLimits.facets || depth > DEEPEST || !budget.spend(2)) return
    facets.add(schema)
    if (Object.keys(schema).some((keyword) => !bystanders.has(keyword))) telling++
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
  return { facets: [...facets], impossible, needsCheck: needsCheck || telling > 1 }
}

/** `if` as two branches: it holds and `then` does, or it does not and `else` does. */
function conditionBranches(schema: SchemaObject): unknown[] {
  return [
    { allOf: [schema['if'], schema['then'] ?? true] },
    { allOf: [{ not: schema['if'] }, schema['else'] ?? true] },
  ]
}
