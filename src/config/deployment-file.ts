import { isMap, parseDocument, type YAMLError } from 'yaml'
import type { Deployment } from './deployments.ts'
import { isRecord, resolveDeployment } from './resolve-deployment.ts'

/** What a deployment file says, and all that is wrong with it. */
export interface DeploymentFile {
  readonly deployments: readonly Deployment[]
  /** One sentence or two each, with the path of the file and the place in it. */
  readonly problems: readonly string[]
}

/**
 * Reads a deployment file. One parser serves both languages, since YAML includes JSON; unlike `JSON.parse` it
 * notices a key that stands twice.
 */
export function parseDeploymentFile(source: string, path: string): DeploymentFile {
  const document = parseDocument(source)
  const problems = document.errors.map((error) => `${path}: ${describeSyntaxError(error, source)}`)
  if (document.errors.some((error) => error.code !== 'DUPLICATE_KEY')) return { deployments: [], problems }
  if (!isMap(document.contents)) {
    return { deployments: [], problems: [...problems, `${path} must map deployment names to deployments.`] }
  }
  const resolved = resolveDeployments(document.toJS(), path)
  return { deployments: resolved.deployments, problems: [...problems, ...resolved.problems] }
}

/** Resolves what stands in a deployment file, once it has been read; `path` is for the problems. */
export function resolveDeployments(entries: unknown, path: string): DeploymentFile {
  if (!isRecord(entries)) return { deployments: [], problems: [] }
  const problems: string[] = []
  const deployments = Object.entries(entries).flatMap(([name, entry]) => {
    const resolved = resolveDeployment(name, entry)
    problems.push(...resolved.problems.map((problem) => `${path}: ${problem}`))
    return resolved.deployment ?? []
  })
  return { deployments, problems }
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
