import { type Document, isMap, isScalar, LineCounter, parseDocument, visit, type YAMLError } from 'yaml'
import { reasonOf } from '../platform/error-text.ts'

/** What a file maps, by name, and all that is wrong with its form. */
export interface MappingFile {
  /** Undefined where the file cannot be understood at all. */
  readonly entries: Readonly<Record<string, unknown>> | undefined
  /** One sentence or two each, with the path of the file and the place in it. */
  readonly problems: readonly string[]
}

/**
 * Reads a file that maps names to something. One parser serves both languages, since YAML includes JSON; unlike
 * `JSON.parse` it notices a key that stands twice.
 *
 * @param rule what the file must do: `must map deployment names to deployments`
 */
export function parseMappingFile(source: string, path: string, rule: string): MappingFile {
  const lines = new LineCounter()
  // Its own search for a key that stands twice compares each with each: minutes for a file of a megabyte.
  const document = parseDocument(source, { uniqueKeys: false, lineCounter: lines, logLevel: 'error' })
  if (document.errors.length > 0) {
    const problems = document.errors.map((error) => `${path}: ${describeSyntaxError(error)}`)
    return { entries: undefined, problems }
  }
  const problems = describeTwins(document, lines).map((problem) => `${path}: ${problem}`)
  if (!isMap(document.contents)) return { entries: undefined, problems: [...problems, `${path} ${rule}.`] }
  try {
    return { entries: document.toJS() as Record<string, unknown>, problems }
  } catch (error) {
    // An alias without its anchor, or aliases that multiply beyond reason.
    const reason = reasonOf(error)
    return { entries: undefined, problems: [...problems, `${path} cannot be understood: ${reason}.`] }
  }
}

function describeTwins(document: Document.Parsed, lines: LineCounter): string[] {
  const problems: string[] = []
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<unknown>()
      for (const { key } of items) {
        if (!isScalar(key)) continue
        if (seen.has(key.value)) {
          const { line, col } = lines.linePos(key.range?.[0] ?? 0)
          const name = String(key.value)
          problems.push(`the key "${name}" stands twice (line ${line}, column ${col}). Remove one of them.`)
        }
        seen.add(key.value)
      }
    },
  })
  return problems
}

function describeSyntaxError(error: YAMLError): string {
  const start = error.linePos?.[0]
  const place = start === undefined ? '' : ` (line ${start.line}, column ${start.col})`
  // The rest of the message is an excerpt with a marker, over several lines.
  const reason = (error.message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '')
  return `this is neither JSON nor YAML: ${reason}${place}.`
}
