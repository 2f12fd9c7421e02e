import type { Document } from 'yaml'
import { reasonOf, shortText } from '../lib/error-text.ts'
import { lineAndColumn, MAX_YAML_DEPTH, parseYaml, yaml } from './parse-yaml.ts'
import { formatNumber } from '../lib/format-text.ts'
import * as z from 'zod'
import { isRecord } from '../lib/record.ts'

/** The entries of a file, with all problems of its form. */
export interface MappingFile {
  /** Undefined if the file cannot be parsed. */
  readonly entries: Readonly<Record<string, unknown>> | undefined
  /** One or two sentences each, with the path of the file and the position in it. */
  readonly problems: readonly string[]
}

/** A file with 25,000 deployments has 2 MB. */
const MAX_CHARACTERS = 16 * 1024 * 1024

const MAX_DUPLICATES = 20

/**
 * Parses a file that is a mapping in YAML or JSON. Reports duplicate keys, which `JSON.parse` ignores.
 *
 * @param rule what the file must be, in a message after its path: `must map deployment names to deployments`
 */
export function parseMappingFile(source: string, path: string, rule: string): MappingFile {
  if (source.length > MAX_CHARACTERS) {
    return {
      entries: undefined,
      problems: [
        `${path} must have at most ${MAX_CHARACTERS} characters (got ${source.length}). Shorten it.`,
      ],
    }
  }
  const json = parseJsonWithoutDuplicates(source)
  if (json) return { entries: json, problems: [] }
  const parsed = parseYaml(source, { logLevel: 'error' })
  if ('errors' in parsed) {
    const problems = parsed.errors.map(
      ({ reason, line, column }) =>
        `${path}: not valid YAML or JSON: ${reason} (line ${line}, column ${column}).`,
    )
    return { entries: undefined, problems }
  }
  const { document } = parsed
  const problems = describeDuplicates(document, source).map((problem) => `${path}: ${problem}`)
  if (!yaml().isMap(document.contents))
    return { entries: undefined, problems: [...problems, `${path} ${rule}.`] }
  try {
    const entries = document.toJS() as Record<string, unknown>
    const nesting = source.includes('*') ? nestingProblem(entries) : undefined
    if (nesting !== undefined)
      return { entries: undefined, problems: [...problems, `${path}: not valid YAML: ${nesting}`] }
    return { entries, problems }
  } catch (error) {
    // An alias without an anchor, or too many aliases.
    const reason = reasonOf(error)
    return { entries: undefined, problems: [...problems, `${path}: not valid YAML: ${reason}.`] }
  }
}

/** Aliases can nest a tree endlessly, or deeper than its text. Functions that read the tree are recursive. */
function nestingProblem(node: unknown, parents: Set<unknown> = new Set()): string | undefined {
  if (typeof node !== 'object' || node === null) return undefined
  if (parents.has(node)) return 'an alias is within its own anchor. Remove the alias.'
  if (parents.size >= MAX_YAML_DEPTH)
    return `it must have at most ${MAX_YAML_DEPTH} levels with its aliases. Reduce the nesting.`
  parents.add(node)
  for (const child of Object.values(node)) {
    const problem = nestingProblem(child, parents)
    if (problem !== undefined) return problem
  }
  parents.delete(node)
  return undefined
}

/** Parses JSON about 20 times as fast as the YAML parser. Returns undefined for other text and for duplicate keys. */
function parseJsonWithoutDuplicates(source: string): Record<string, unknown> | undefined {
  if (!/^\s*\{/.test(source)) return undefined
  try {
    const value = JSON.parse(source) as Record<string, unknown>
    let keys = 0
    for (const [, colon] of source.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?/g))
      if (colon !== undefined) keys++
    return countKeys(value) === keys ? value : undefined
  } catch {
    // Not JSON, or nested too deeply: the YAML parser reports the position.
    return undefined
  }
}

function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const children = Object.values(value)
  return children.reduce<number>(
    (sum, child) => sum + countKeys(child),
    Array.isArray(value) ? 0 : children.length,
  )
}

function describeDuplicates(document: Document.Parsed, source: string): string[] {
  const problems: string[] = []
  const { isScalar, visit } = yaml()
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<unknown>()
      for (const { key } of items) {
        if (!isScalar(key)) continue
        if (seen.has(key.value) && problems.length < MAX_DUPLICATES) {
          const { line, column } = lineAndColumn(source, key.range?.[0] ?? 0)
          const name = shortText(String(key.value))
          problems.push(
            `the key "${name}" is a duplicate (line ${line}, column ${column}). Remove one of them.`,
          )
        }
        seen.add(key.value)
      }
    },
  })
  return problems
}

/**
 * Returns a problem with its path. The path in a file is appended to a location in it: `aoai-sim.yaml: deployments` and
 * `"chat".model must ...` become `aoai-sim.yaml: deployments.chat.model must ...`.
 *
 * @param location path of a file, or of a part of it: `aoai-sim.yaml: deployments`
 */
export function problemAt(location: string, described: string): string {
  // A problem of the whole part has an empty path.
  const problem = described.trimStart()
  const isSentence = /^(?:must|cannot|names) /.test(problem)
  if (isSentence) return `${location} ${problem}`
  const isPath = /^(?:["a-z]|\S+ is not )/.test(problem)
  if (!isPath || !location.includes(': ')) return `${location}: ${problem}`
  return `${location}.${problem.replace(/^"([\w-]+)"/, '$1')}`
}

/** Makes all properties of a tree readonly. */
export type ReadonlyTree<T> = T extends object ? { readonly [Key in keyof T]: ReadonlyTree<T[Key]> } : T

/** Makes all properties of a tree required and readonly: optional settings have a value. */
export type FilledTree<T> = T extends object
  ? { readonly [Key in keyof T]-?: FilledTree<Exclude<T[Key], undefined>> }
  : T

/** Makes all properties of an object readonly and removes undefined from their types: absent properties are not undefined. */
export type Given<T> = { readonly [Key in keyof T]: Exclude<T[Key], undefined> }

/** Removes keys with the value undefined, which optional keys of a schema can have. Changes the object in place to save time. */
export function withoutUndefined<T extends object>(values: T): Given<T> {
  for (const key in values) if (values[key] === undefined) delete values[key]
  return values as Given<T>
}

/** The input type of a schema, before defaults and short forms are resolved. */
export type Input<Schema extends z.ZodType> = ReadonlyTree<z.input<Schema>>

/** A number within a range, in a file. Text is not converted to a number. */
export function numberFrom(min: number, max: number): z.ZodNumber {
  const rule = `must be a number from ${min} to ${formatNumber(max)}`
  return z.number(rule).min(min, rule).max(max, rule)
}

/** An integer within a range. */
export function integerFrom(min: number, max: number): z.ZodInt {
  const rule = `must be an integer from ${min} to ${formatNumber(max)}`
  return z.int(rule).min(min, rule).max(max, rule)
}

/**
 * JSON Schemas of values that are converted before they are validated: `form` describes a value completely, `also` a further form of
 * it.
 */
export const fileForms = z.registry<{
  readonly form?: Readonly<Record<string, unknown>>
  readonly also?: Readonly<Record<string, unknown>>
}>()

const nameRule = 'must be 1 to 64 letters, digits, dots, dashes or underscores'

/** A name that is valid as a label value of metrics and in a header. */
export const plainName = z.string(nameRule).regex(/^[\w.-]{1,64}$/, nameRule)

/** A mapping in a file with only these keys. Its messages complete the sentence "<location> ...". */
export function mapping<const Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
): z.ZodObject<Shape, z.core.$strict> {
  const keys = Object.keys(shape).join(', ')
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `is not a known key. Known keys are ${keys}`
        : `must be a mapping with the keys ${keys}`,
  })
}

/** Returns the input value that an issue is about. The path of an issue can be longer than the input: short forms are expanded. */
export function followPath(
  value: unknown,
  path: readonly PropertyKey[],
): { path: PropertyKey[]; got: unknown } {
  const walked: PropertyKey[] = []
  let got = value
  for (const key of path) {
    if (typeof got !== 'object' || got === null) break
    got = (got as Record<PropertyKey, unknown>)[key]
    walked.push(key)
  }
  return { path: walked, got }
}

/** Converts the keys of a tree to camelCase, the form in files: `tokens_per_minute` becomes `tokensPerMinute`. */
export function camelKeys(tree: unknown): unknown {
  return renameKeys(tree, camelKey)
}

/** Converts a key to camelCase. */
export function camelKey(key: string): string {
  return key.replace(/(?<!_)_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

/** Converts the keys of a tree to snake_case, the form in the admin API: `tokensPerMinute` becomes `tokens_per_minute`. */
export function snakeKeys(tree: unknown): unknown {
  return renameKeys(tree, snakeKey)
}

/** Converts a key to snake_case. */
export function snakeKey(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function renameKeys(tree: unknown, rename: (key: string) => string): unknown {
  if (Array.isArray(tree)) return tree.map((item: unknown) => renameKeys(item, rename))
  if (!isRecord(tree)) return tree
  return Object.fromEntries(
    Object.entries(tree).map(([key, value]) => [rename(key), renameKeys(value, rename)]),
  )
}
