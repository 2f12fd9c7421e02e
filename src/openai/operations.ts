/**
 * What a request asks for. `id` is the name in the service's own messages ("This request was for
 * ChatCompletions_Create under ..."), `word` the name in its refusal of a model that cannot do it.
 * Source: Azure/azure-rest-api-specs, 2025-03-01-preview.
 */
export const operations = {
  chatCompletions: { id: 'ChatCompletions_Create', word: 'chatCompletion' },
  completions: { id: 'Completions_Create', word: 'completion' },
  embeddings: { id: 'Embeddings_Create', word: 'embeddings' },
} as const

/** The name of an operation of the data plane. */
export type Operation = keyof typeof operations

/** A recognised path of the data plane. */
export interface Route {
  readonly operation: Operation
  /** The deployment in the path; absent where the body's `model` names it. */
  readonly deploymentName?: string
  /** Whether the path needs `api-version` in the query (`/openai/deployments/...`) or not (`/openai/v1/...`). */
  readonly dated: boolean
}

const postPaths: ReadonlyMap<string, Operation> = new Map([
  ['chat/completions', 'chatCompletions'],
  ['completions', 'completions'],
  ['embeddings', 'embeddings'],
])

const datedPrefix = '/openai/deployments/'
const v1Prefix = '/openai/v1/'

/** Finds the operation that a method and a path (no query, single slashes) stand for; undefined when there is none. */
export function recogniseRoute(method: string, path: string): Route | undefined {
  if (method !== 'POST') return undefined
  if (path.startsWith(v1Prefix)) {
    const operation = postPaths.get(path.slice(v1Prefix.length))
    return operation && { operation, dated: false }
  }
  if (!path.startsWith(datedPrefix)) return undefined
  const slash = path.indexOf('/', datedPrefix.length)
  const operation = slash > datedPrefix.length ? postPaths.get(path.slice(slash + 1)) : undefined
  const deploymentName = operation && decodeSegment(path.slice(datedPrefix.length, slash))
  return operation && deploymentName ? { operation, deploymentName, dated: true } : undefined
}

/** A path segment may hold any broken escape that a client cares to send; such a name names nothing. */
function decodeSegment(segment: string): string | undefined {
  if (!segment.includes('%')) return segment
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}
