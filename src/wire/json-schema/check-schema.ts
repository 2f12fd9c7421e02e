import { isRecord } from '../../lib/record.ts'
import { listOf, mapOf, type SchemaObject } from './json-schema.ts'
import { metaSchemaProblem, TOO_LARGE } from './meta-schema.ts'
import { pythonText } from './python-text.ts'
import {
  isEmpty,
  NO_TYPE,
  nodeRules,
  requiresAllProperties,
  type SchemaNode,
  type SchemaRule,
  typeRules,
} from './schema-rules.ts'

/** What a schema describes: the arguments of a function, or the answer. */
export type SchemaUse = 'function' | 'response_format'

/** Keywords, names and items of a schema that are read. A larger schema is refused. About 50 ms. */
const MAX_STEPS = 60_000

/** Limits of strict schemas (OpenAI's guide; the texts are captured, 2025-05 to 2026-10). */
const strictLimits = {
  levels: 10,
  properties: 5_000,
  enumValues: 1_000,
  /** Characters of the strings of one `enum`, if it has more than `largeEnum` values. */
  enumLength: 15_000,
  largeEnum: 250,
  /** Characters of all names and values. */
  length: 120_000,
} as const

/** For a schema that is too large or too deep to be checked. */
const OVERSIZED = '. Please ensure it is a valid JSON Schema.'

/**
 * Returns what the service finds wrong with a schema: the text that follows its name in the message, or an empty string. Reports the
 * violation of the meta-schema, else of the root, else the first broken rule in the order of the document, else an exceeded limit.
 */
export function schemaProblem(schema: unknown, use: SchemaUse, strict: boolean): string {
  const invalid = metaSchemaProblem(schema, { steps: MAX_STEPS })
  if (invalid === TOO_LARGE) return OVERSIZED
  if (invalid !== undefined) return `: ${invalid}.`
  if (!isRecord(schema)) return rootTypeProblem(undefined)
  const { type } = schema
  if (type !== 'object') return rootTypeProblem(type)
  if (use === 'function' && rootKeywords.some((keyword) => schema[keyword] !== undefined)) return ROOT_UNION
  const walk = new SchemaWalk(schema, strict)
  return walk.problem() ?? ''
}

function rootTypeProblem(type: unknown): string {
  const got = typeof type === 'string' ? type : pythonText(type)
  return `: schema must be a JSON Schema of 'type: "object"', got 'type: "${got}"'.`
}

/** Keywords that the arguments of a function cannot have. From 2026-08 on, reports for OpenAI also list `const`. */
const rootKeywords = ['oneOf', 'anyOf', 'allOf', 'enum', 'not']
const ROOT_UNION =
  ": schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level."

/** Visits the schemas of a document in their order and counts what is limited. Each schema is visited once for each of its types. */
class SchemaWalk {
  readonly #root: SchemaObject
  readonly #strict: boolean
  /** The way to the visited schema: keywords, names and indexes. */
  readonly #path: (string | number)[] = []
  #level = 0
  #levels = 0
  #properties = 0
  #enumValues = 0
  #largestEnum = 0
  #length = 0

  constructor(root: SchemaObject, strict: boolean) {
    this.#root = root
    this.#strict = strict
  }

  /** Returns the text for the first broken rule or exceeded limit. */
  problem(): string | undefined {
    return this.#visit(this.#root) ?? (this.#strict ? this.#limitProblem() : undefined)
  }

  #visit(schema: unknown): string | undefined {
    // The text for `true` and `false` is not captured.
    if (!isRecord(schema)) return this.#strict ? this.#text(NO_TYPE) : undefined
    const { type } = schema
    const problem = this.#check(nodeRules, schema, type)
    if (problem !== undefined) return problem
    if (this.#strict) this.#countValues(schema)
    return (
      this.#visitTypes(schema, type) ??
      this.#visitList(schema, 'anyOf') ??
      this.#visitList(schema, 'oneOf') ??
      this.#visitList(schema, 'allOf') ??
      this.#visitMap(schema, '$defs') ??
      this.#visitMap(schema, 'definitions')
    )
  }

  #visitTypes(schema: SchemaObject, type: unknown): string | undefined {
    if (!Array.isArray(type)) return this.#visitType(schema, type)
    for (let i = 0; i < type.length; i++) {
      this.#path.push('type', i)
      const problem = this.#visitType(schema, type[i])
      this.#path.length -= 2
      if (problem !== undefined) return problem
    }
    return undefined
  }

  #visitType(schema: SchemaObject, type: unknown): string | undefined {
    const problem = this.#check(typeRules, schema, type)
    if (problem !== undefined) return problem
    const isContainer = type === 'array' || type === 'object'
    if (isContainer) this.#levels = Math.max(this.#levels, ++this.#level)
    const inner =
      (type === 'array' || type === undefined ? this.#visitItems(schema) : undefined) ??
      (type === 'object' || type === undefined ? this.#visitObject(schema) : undefined)
    if (isContainer) this.#level--
    return inner ?? this.#check([requiresAllProperties], schema, type)
  }

  #visitObject(schema: SchemaObject): string | undefined {
    const properties = mapOf(schema, 'properties')
    for (const name of Object.keys(properties)) {
      this.#properties++
      this.#length += name.length
      const property = properties[name]
      if (this.#strict && isEmpty(property)) continue
      const problem = this.#visitPart('properties', name, property)
      if (problem !== undefined) return problem
    }
    return this.#strict && schema['properties'] === undefined ? this.#visitMapValues(schema) : undefined
  }

  /** The values of an open map. Empty ones count as objects (docker/docker-agent#2839, 2026-05). */
  #visitMapValues({ additionalProperties: values }: SchemaObject): string | undefined {
    if (!isRecord(values)) return undefined
    this.#path.push('additionalProperties')
    const problem = this.#visit(isEmpty(values) ? { type: 'object' } : values)
    this.#path.pop()
    return problem
  }

  #visitItems({ items }: SchemaObject): string | undefined {
    if (items === undefined) return undefined
    this.#path.push('items')
    const problem = this.#visit(items)
    this.#path.pop()
    return problem
  }

  #visitList(schema: SchemaObject, keyword: string): string | undefined {
    const parts = listOf(schema, keyword)
    for (let i = 0; i < parts.length; i++) {
      const problem = this.#visitPart(keyword, i, parts[i])
      if (problem !== undefined) return problem
    }
    return undefined
  }

  #visitMap(schema: SchemaObject, keyword: string): string | undefined {
    const map = mapOf(schema, keyword)
    for (const name of Object.keys(map)) {
      this.#length += name.length
      const problem = this.#visitPart(keyword, name, map[name])
      if (problem !== undefined) return problem
    }
    return undefined
  }

  #visitPart(keyword: string, key: string | number, schema: unknown): string | undefined {
    this.#path.push(keyword, key)
    const problem = this.#visit(schema)
    this.#path.length -= 2
    return problem
  }

  #check(rules: readonly SchemaRule[], schema: SchemaObject, type: unknown): string | undefined {
    const isProperty = this.#path.at(-2) === 'properties'
    const node: SchemaNode = { schema, root: this.#root, type, isProperty }
    for (const rule of rules) {
      if (rule.scope === 'strict' && !this.#strict) continue
      const problem = rule.problem(node)
      if (problem !== undefined) return this.#text(problem, rule.prefix)
    }
    return undefined
  }

  #text(problem: string, prefix: string = 'In context='): string {
    return `: ${prefix}${this.#context()}, ${problem}`
  }

  /** The way as a Python tuple: `()`, `('items',)`, `('properties', 'a')`. */
  #context(): string {
    const [only, ...others] = this.#path.map((step) => pythonText(String(step)))
    return only !== undefined && others.length === 0 ? `(${only},)` : `(${[only, ...others].join(', ')})`
  }

  #countValues({ enum: values, const: value }: SchemaObject): void {
    if (typeof value === 'string') this.#length += value.length
    if (!Array.isArray(values)) return
    let length = 0
    for (const item of values) if (typeof item === 'string') length += item.length
    this.#length += length
    this.#enumValues += values.length
    if (values.length > strictLimits.largeEnum) this.#largestEnum = Math.max(this.#largestEnum, length)
  }

  #limitProblem(): string | undefined {
    const { levels, properties, enumValues, enumLength, largeEnum } = strictLimits
    if (this.#levels > levels) return `: ${this.#levels} levels of nesting exceeds limit of ${levels}.`
    if (this.#properties > properties)
      return `: ${this.#properties} parameters exceeds limit of ${properties}.`
    if (this.#enumValues > enumValues)
      return `: Expected at most ${enumValues} enum values in total within a single schema when using structured outputs, but received ${this.#enumValues}. ${FEWER_ENUMS}`
    if (this.#largestEnum > enumLength)
      return `: Expected at most ${enumLength} total characters across enum values when there are more than ${largeEnum} enum values, but received ${this.#largestEnum}. ${FEWER_ENUMS}`
    // The text for this limit is not captured.
    return this.#length > strictLimits.length ? OVERSIZED : undefined
  }
}

const FEWER_ENUMS =
  "Consider reducing the number of enums, or use 'strict: false' to opt out of structured outputs."
