import { RecentMap } from '../lib/recent-map.ts'
import { operations, type Operation } from './operations.ts'

/** A recognised path of the data plane. */
export interface Route {
  readonly operation: Operation
  /** The resource whose name is the prefix of the path; absent for a path without one. */
  readonly resource?: string
  /** The deployment in the path; absent where the body names it, and for operations that need none. */
  readonly deploymentName?: string
  /** The id in the path, of a response or a model. */
  readonly id?: string
  /** Whether the path needs `api-version` in the query (`/openai/deployments/...`) or not (`/openai/v1/...`). */
  readonly dated: boolean
}

/** Operations by method and then by path, the id in it replaced by `{id}`. */
type PathTable = ReadonlyMap<string, ReadonlyMap<string, Operation>>

const deploymentsPrefix = '/openai/deployments/'
/** The second is OpenAI's own form, for clients that know nothing of Azure. */
const v1Prefixes = ['/openai/v1/', '/v1/']
const openaiPrefix = '/openai/'

const allPaths = pathTable(() => true)
const deploymentPaths = pathTable((operation) => operations[operation].datedUnder === 'deployments')
const openaiPaths = pathTable((operation) => operations[operation].datedUnder === 'openai')

/** Clients that post at full load use a few paths again and again: one look-up serves them, in bounded room. */
const postRoutes = new RecentMap<string, Route>(10_000)
const longestRememberedPath = 256

/** Finds the operation that a method and a path (no query, single slashes) stand for; undefined when there is none. */
export function recogniseRoute(method: string, path: string): Route | undefined {
  if (method !== 'POST' || path.length > longestRememberedPath) return readRoute(method, path)
  const known = postRoutes.get(path)
  if (known) return known
  const route = readRoute(method, path)
  if (route) postRoutes.set(path, route)
  return route
}

/** The name of a resource in front of a path of the data plane. */
const resourcePrefix = /^\/(?!openai\/|v1\/)([a-z0-9][a-z0-9-]{0,63})(?=\/(?:openai|v1)\/)/

function readRoute(method: string, path: string): Route | undefined {
  const [prefix, resource] = resourcePrefix.exec(path) ?? []
  if (prefix === undefined || resource === undefined) return readServicePath(method, path)
  const route = readServicePath(method, path.slice(prefix.length))
  return route && { ...route, resource }
}

function readServicePath(method: string, path: string): Route | undefined {
  if (path.startsWith(deploymentsPrefix)) return deploymentRoute(method, path)
  for (const prefix of v1Prefixes) {
    if (path.startsWith(prefix)) return find(allPaths, method, path.slice(prefix.length), false)
  }
  if (path.startsWith(openaiPrefix)) return find(openaiPaths, method, path.slice(openaiPrefix.length), true)
  return undefined
}

function deploymentRoute(method: string, path: string): Route | undefined {
  const slash = path.indexOf('/', deploymentsPrefix.length)
  if (slash <= deploymentsPrefix.length) return undefined
  const route = find(deploymentPaths, method, path.slice(slash + 1), true)
  const deploymentName = route && decodeSegment(path.slice(deploymentsPrefix.length, slash))
  return route && deploymentName ? { ...route, deploymentName } : undefined
}

function find(table: PathTable, method: string, rest: string, dated: boolean): Route | undefined {
  const paths = table.get(method)
  const operation = paths?.get(rest)
  if (operation) return { operation, dated }
  const [head = '', segment = '', ...tail] = rest.split('/')
  const withId = paths?.get([head, '{id}', ...tail].join('/'))
  const id = withId && decodeSegment(segment)
  return withId && id ? { operation: withId, dated, id } : undefined
}

function pathTable(includes: (operation: Operation) => boolean): PathTable {
  const table = new Map<string, Map<string, Operation>>()
  for (const operation of Object.keys(operations) as Operation[]) {
    const { method, path } = operations[operation]
    if (!includes(operation)) continue
    const paths = table.get(method) ?? new Map<string, Operation>()
    table.set(method, paths.set(path, operation))
  }
  return table
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
