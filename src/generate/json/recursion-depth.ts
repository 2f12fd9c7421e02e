import { isRecord } from '../../lib/record.ts'
import type { Budget } from './budget.ts'
import {
  listOf,
  numberOf,
  requiredOf,
  typesOf,
  type SchemaObject,
} from '../../wire/json-schema/json-schema.ts'
import { itemSchemaOf, propertySchemasOf, type SchemaDocument } from './schema-document.ts'

/** Maximum depth that is searched. A schema that needs more is treated as endless. */
const ENDLESS_DEPTH = 12

/** Maximum nesting of schemas that is followed. Deeper schemas are treated as matching. */
const MAX_NESTING = 150

/** Budget steps per visited schema. A visit here costs several times a visit of the matcher. */
const STEPS_PER_VISIT = 10

/** Known depths of a schema: no value of depth `failed` matches, a value of depth `fits` does. */
interface Known {
  failed: number
  fits: number
  /** The schema is being visited. Another visit of it is a cycle. */
  isOpen: boolean
}

/**
 * Finds the minimum depth of a value of a schema, so that recursion can be ended: 0 for scalars, empty arrays and
 * empty objects, 1 for an object with required properties of depth 0. The result is an estimate: if several schemas
 * apply, the deepest one counts.
 */
export class RecursionDepth {
  readonly #document: SchemaDocument
  readonly #known = new Map<SchemaObject, Known>()
  #openCount = 0

  constructor(document: SchemaDocument) {
    this.#document = document
  }

  /** Returns the minimum depth of a value; Infinity above 12. */
  of(schema: unknown, budget: Budget): number {
    for (let depth = 0; depth <= ENDLESS_DEPTH; depth++) if (this.#fits(schema, depth, budget)) return depth
    return Infinity
  }

  #fits(schema: unknown, depth: number, budget: Budget): boolean {
    if (!isRecord(schema)) return schema !== false
    const known = this.#recall(schema)
    if (depth >= known.fits) return true
    if (depth <= known.failed || known.isOpen) return false
    if (this.#openCount > MAX_NESTING || !budget.spend(STEPS_PER_VISIT)) return true
    known.isOpen = true
    this.#openCount++
    const fits = this.#partsFit(schema, depth, budget) && this.#ownFits(schema, depth, budget)
    known.isOpen = false
    this.#openCount--
    if (fits) known.fits = depth
    else if (this.#openCount === 0 || !usesReference(schema)) known.failed = depth
    return fits
  }

  #recall(schema: SchemaObject): Known {
    let known = this.#known.get(schema)
    if (!known) {
      known = { failed: -1, fits: Infinity, isOpen: false }
      this.#known.set(schema, known)
    }
    return known
  }

  #partsFit(schema: SchemaObject, depth: number, budget: Budget): boolean {
    const fits = (part: unknown): boolean => this.#fits(part, depth, budget)
    if (schema['$ref'] !== undefined && !fits(this.#document.resolve(schema['$ref']))) return false
    const parts = listOf(schema, 'allOf')
    budget.spend(parts.length >> 4)
    if (!parts.every(fits)) return false
    return ['anyOf', 'oneOf'].every((keyword) => {
      const branches = listOf(schema, keyword)
      budget.spend(branches.length >> 4)
      return branches.length === 0 || branches.some(fits)
    })
  }

  #ownFits(schema: SchemaObject, depth: number, budget: Budget): boolean {
    if (Object.hasOwn(schema, 'const') || Array.isArray(schema['enum'])) return true
    const types = typesOf(schema)
    if (types?.some((type) => type !== 'object' && type !== 'array')) return true
    const isArray = types ? types.includes('array') : schema['minItems'] !== undefined
    if (isArray) {
      const min = numberOf(schema, 'minItems') ?? 0
      if (min <= 0) return true
      if (depth > 0 && this.#fits(itemSchemaOf(schema, 0) ?? true, depth - 1, budget)) return true
      if (!types?.includes('object')) return false
    }
    const required = requiredOf(schema)
    budget.spend(required.length >> 2)
    if (required.length === 0) return true
    if (depth === 0) return false
    return required.every((name) =>
      propertySchemasOf(schema, name, this.#document, budget).every((part) =>
        this.#fits(part, depth - 1, budget),
      ),
    )
  }
}

/** A failure inside an open reference can be caused by the cycle, so it is not cached. */
function usesReference(schema: SchemaObject): boolean {
  return ['$ref', 'anyOf', 'oneOf', 'allOf'].some((keyword) => schema[keyword] !== undefined)
}
