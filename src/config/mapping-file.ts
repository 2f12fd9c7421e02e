import { type Document, isMap, isScalar, visit } from 'yaml'
import { reasonOf, shortText } from '../lib/error-text.ts'
import { lineAndColumn, parseYaml } from './parse-yaml.ts'

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
