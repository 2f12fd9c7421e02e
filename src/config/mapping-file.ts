import { type Document, isMap, isScalar, visit } from 'yaml'
import { reasonOf, shortText } from '../lib/error-text.ts'
import { lineAndColumn, parseYaml } from './parse-yaml.ts'
import { formatNumber } from '../lib/format-text.ts'
import { z } from 'zod'
import { isRecord } from '../lib/record.ts'

/** What a file maps, by name, and all that is wrong with its form. */
export interface MappingFile {
  /** Undefined where the file cannot be understood at all. */
  readonly entries: Readonly<Record<string, unknown>> | undefined
  /** One sentence or two each, with the path of the file and the place in it. */
  readonly problems: readonly string[]
}

/** A file of 25,000 deployments has 2 MB. */
const MAX_CHARACTERS = 16 * 1024 * 1024

const MAX_TWINS = 20

/**
 * Reads a file that maps names to something. One parser serves both languages, since YAML includes JSON; unlike
 * `JSON.parse` it notices a key that stands twice.
 *
 * @param rule what the file must do: `must map deployment names to deployments`
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
  const json = jsonWithoutTwins(source)
  if (json) return { entries: json, problems: [] }
  const parsed = parseYaml(source, { logLevel: 'error' })
  if ('errors' in parsed) {
    const problems = parsed.errors.map(
      ({ reason, line, column }) =>
        `${path}: this is neither JSON nor YAML: ${reason} (line ${line}, column ${column}).`,
    )
    return { entries: undefined, problems }
  }
  const { document } = parsed
  const problems = describeTwins(document, source).map((problem) => `${path}: ${problem}`)
  if (!isMap(document.contents)) return { entries: undefined, problems: [...problems, `${path} ${rule}.`] }
  try {
    return { entries: document.toJS() as Record<string, unknown>, problems }
  } catch (error) {
    // An alias without its anchor, or aliases that multiply beyond reason.
    const reason = reasonOf(error)
    return { entries: undefined, problems: [...problems, `${path} cannot be understood: ${reason}.`] }
  }
}

/** A large JSON text is read some twenty times as fast by `JSON.parse`. Undefined where a key stands twice. */
function jsonWithoutTwins(source: string): Record<string, unknown> | undefined {
  if (!/^\s*\{/.test(source)) return undefined
  try {
    const value = JSON.parse(source) as Record<string, unknown>
    let keys = 0
    for (const [, colon] of source.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?/g))
      if (colon !== undefined) keys++
    return countKeys(value) === keys ? value : undefined
  } catch {
    // Not JSON, or nested too deeply: the other parser says where.
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

function describeTwins(document: Document.Parsed, source: string): string[] {
  const problems: string[] = []
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<unknown>()
      for (const { key } of items) {
        if (!isScalar(key)) continue
        if (seen.has(key.value) && problems.length < MAX_TWINS) {
          const { line, column } = lineAndColumn(source, key.range?.[0] ?? 0)
          const name = shortText(String(key.value))
          problems.push(
            `the key "${name}" stands twice (line ${line}, column ${column}). Remove one of them.`,
          )
        }
        seen.add(key.value)
      }
    },
  })
  return problems
}

/** A tree that nobody changes through this type. */
export type ReadonlyTree<T> = T extends object ? { readonly [Key in keyof T]: ReadonlyTree<T[Key]> } : T

/** A tree of which every part is there: what may be left out of a setting has a value here. */
export type FilledTree<T> = T extends object
  ? { readonly [Key in keyof T]-?: FilledTree<Exclude<T[Key], undefined>> }
  : T

/** What a schema gives, where a part that is absent is never undefined. */
export type Given<T> = { readonly [Key in keyof T]: Exclude<T[Key], undefined> }

/** Removes the keys that a schema made of nothing. It changes what it is given, since entries come in thousands. */
export function withoutUndefined<T extends object>(values: T): Given<T> {
  for (const key in values) if (values[key] === undefined) delete values[key]
  return values as Given<T>
}

/** What a schema takes, before defaults and short forms are filled in. */
export type Input<Schema extends z.ZodType> = ReadonlyTree<z.input<Schema>>

/** A number within a range, for a file: text is not taken for a number there. */
export function numberFrom(min: number, max: number): z.ZodNumber {
  const rule = `must be a number from ${min} to ${formatNumber(max)}`
  return z.number(rule).min(min, rule).max(max, rule)
}

/** An integer within a range. */
export function integerFrom(min: number, max: number): z.ZodInt {
  const rule = `must be an integer from ${min} to ${formatNumber(max)}`
  return z.int(rule).min(min, rule).max(max, rule)
}

/** A mapping of a file, with no keys but these. Its messages complete the sentence "<place> ..." */
export function mapping<const Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
): z.ZodObject<Shape, z.core.$strict> {
  const keys = Object.keys(shape).join(', ')
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `is not known here. Known keys are ${keys}`
        : `must be a mapping with the keys ${keys}`,
  })
}

/** The part of what was typed that an issue is about: a schema may look deeper, into what a short form stands for. */
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

/** Gives every key of a tree its form in files: `tokens_per_minute` becomes `tokensPerMinute`, and that stays as it is. */
export function camelKeys(tree: unknown): unknown {
  return renameKeys(tree, (key) =>
    key.replace(/(?<!_)_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
  )
}

/** Gives every key of a tree its form in the administration: `tokensPerMinute` becomes `tokens_per_minute`. */
export function snakeKeys(tree: unknown): unknown {
  return renameKeys(tree, snakeKey)
}

/** Gives one key its form in the administration. */
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
