import { RecentMap } from '../lib/caches.ts'

/** Where a request's deployment is named: in the path or the body's `model`, or nowhere, since it needs none. */
type DeploymentIn = 'path-or-body' | 'nowhere'

interface OperationFacts {
  /** The name in the service's messages: "This request was for ChatCompletions_Create under ...". */
  readonly id: string
  /** The name in the refusal of a model that cannot do it. */
  readonly word: string
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** The path behind the prefix; `{id}` stands for one segment. */
  readonly path: string
  readonly deployment: DeploymentIn
  /** Whether the dated path has the deployment in it (`/openai/deployments/{name}/...`) or not (`/openai/...`). */
  readonly datedUnder: 'deployments' | 'openai'
}

const onDeployment = { method: 'POST', deployment: 'path-or-body', datedUnder: 'deployments' } as const
const onResource = { word: '', deployment: 'nowhere', datedUnder: 'openai' } as const

/**
 * The operations of the data plane. Ids, words and paths are from Azure/azure-rest-api-specs, 2025-03-01-preview, and
 * from captured messages where those differ (`Audio_Translations`).
 */
export const operations = {
  chatCompletions: {
    ...onDeployment,
    id: 'ChatCompletions_Create',
    word: 'chatCompletion',
    path: 'chat/completions',
  },
  completions: { ...onDeployment, id: 'Completions_Create', word: 'completion', path: 'completions' },
  embeddings: { ...onDeployment, id: 'Embeddings_Create', word: 'embeddings', path: 'embeddings' },
  responses: {
    ...onDeployment,
    id: 'Create_Response',
    word: 'responses',
    path: 'responses',
    datedUnder: 'openai',
  },
  imageGenerations: {
    ...onDeployment,
    id: 'ImageGenerations_Create',
    word: 'imageGenerations',
    path: 'images/generations',
  },
  speech: { ...onDeployment, id: 'Audio_Speech', word: 'audioSpeech', path: 'audio/speech' },
  transcriptions: {
    ...onDeployment,
    id: 'Audio_Transcriptions',
    word: 'audioTranscription',
    path: 'audio/transcriptions',
  },
  translations: {
    ...onDeployment,
    id: 'Audio_Translations',
    word: 'audioTranslation',
    path: 'audio/translations',
  },
  getResponse: { ...onResource, id: 'Get_Response', method: 'GET', path: 'responses/{id}' },
  deleteResponse: { ...onResource, id: 'Delete_Response', method: 'DELETE', path: 'responses/{id}' },
  cancelResponse: { ...onResource, id: 'Cancel_Response', method: 'POST', path: 'responses/{id}/cancel' },
  listInputItems: { ...onResource, id: 'Get_Input_Items', method: 'GET', path: 'responses/{id}/input_items' },
  listModels: { ...onResource, id: 'Models_List', method: 'GET', path: 'models' },
  getModel: { ...onResource, id: 'Models_Get', method: 'GET', path: 'models/{id}' },
} as const satisfies Readonly<Record<string, OperationFacts>>

/** The name of an operation of the data plane. */
export type Operation = keyof typeof operations

/** The operations that a model carries out, and a deployment therefore can. */
export type ModelOperation = {
  [O in Operation]: (typeof operations)[O]['deployment'] extends 'nowhere' ? never : O
}[Operation]

/** The operations that need no deployment. */
export type ResourceOperation = Exclude<Operation, ModelOperation>

/** Whether an operation is carried out by a deployment's model. */
export function isModelOperation(operation: Operation): operation is ModelOperation {
  return operations[operation].deployment !== 'nowhere'
}

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

/** Makes one slash of several in a row: they count as one, as the clients of the Python simulator rely on. */
export function singleSlashes(path: string): string {
  return path.includes('//') ? path.replace(/\/{2,}/g, '/') : path
}

/** Clients that post at full load use a few paths again and again: one look-up serves them, in bounded room. */
const postRoutes = new RecentMap<string, Route>(10_000)
const MAX_CACHED_PATH_LENGTH = 256

/** Finds the operation that a method and a path (no query, single slashes) stand for; undefined when there is none. */
export function recogniseRoute(method: string, path: string): Route | undefined {
  if (method !== 'POST' || path.length > MAX_CACHED_PATH_LENGTH) return readRoute(method, path)
  const known = postRoutes.get(path)
  if (known) return known
  const route = readRoute(method, path)
  if (route) postRoutes.set(path, route)
  return route
}

/** The name of a resource in front of a path of the data plane. */
const resourcePrefix = /^\/(?!openai\/|v1\/)([a-z0-9][a-z0-9-]{0,63})(?=\/(?:openai|v1)\/)/

/** A path without what stands in front of its first `/openai/` or `/v1/`, such as the prefix of a gateway or a resource. */
export function withoutPathPrefix(path: string): string {
  return /\/(?:openai|v1)\/.*/s.exec(path)?.[0] ?? path
}

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

/** The rule for names of deployments, as a message ends. Azure itself takes at most 64 characters, and fewer kinds of them. */
export const deploymentNameRule =
  'must have 1 to 256 printable characters of ASCII or Latin-1, with no space at either end'

const properName = /^[\x21-\x7e\xa1-\xff](?:[\x20-\x7e\xa0-\xff]*[\x21-\x7e\xa1-\xff])?$/

/** Whether a deployment can have this name: answers tell it in headers, which take no other characters. */
export function isDeploymentName(name: string): boolean {
  return name.length <= 256 && properName.test(name)
}
