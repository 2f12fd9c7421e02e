import { isMap, parseDocument, type YAMLError } from 'yaml'

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
  const document = parseDocument(source)
  const problems = document.errors.map((error) => `${path}: ${describeSyntaxError(error, source)}`)
  if (document.errors.some((error) => error.code !== 'DUPLICATE_KEY')) return { entries: undefined, problems }
  if (!isMap(document.contents)) return { entries: undefined, problems: [...problems, `${path} ${rule}.`] }
  return { entries: document.toJS() as Record<string, unknown>, problems }
}

function describeSyntaxError(error: YAMLError, source: string): string {
  const start = error.linePos?.[0]
  const place = start === undefined ? '' : ` (line ${start.line}, column ${start.col})`
  if (error.code === 'DUPLICATE_KEY') {
    const key = /^("[^"]*"|'[^']*'|[^:\s]*)/.exec(source.slice(error.pos[0]))?.[0] ?? ''
    return `the key "${key.replaceAll(/^["']|["']$/g, '')}" stands twice${place}. Remove one of them.`
  }
  // The rest of the message is an excerpt with a marker, over several lines.
  const reason = (error.message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '')
  return `this is neither JSON nor YAML: ${reason}${place}.`
}
