import { RecentMap } from '../lib/caches.ts'

/** Where a request names its deployment: in the path or in `model` of the body, or nowhere if it does not need one. */
type DeploymentIn = 'path-or-body' | 'nowhere'

interface OperationFacts {
  /** The name in the text of a 429: "This request was for ChatCompletions_Create under ...". */
  readonly id: string
  /** The name in the error `OperationNotSupported`; empty for operations without a model. */
  readonly errorName: string
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** The path after the prefix. `{id}` is one segment. */
  readonly path: string
  readonly deployment: DeploymentIn
  /**
   * Whether the path with an api-version contains the deployment (`/openai/deployments/{name}/...`) or not (`/openai/...`); `none` for
   * operations of Anthropic, which exist only under `/anthropic/v1/`, without an api-version.
   */
  readonly datedUnder: 'deployments' | 'openai' | 'none'
}

const onDeployment = { method: 'POST', deployment: 'path-or-body', datedUnder: 'deployments' } as const
const onResource = { errorName: '', deployment: 'nowhere', datedUnder: 'openai' } as const
const ofAnthropic = { datedUnder: 'none' } as const

/**
 * The operations of the data plane. Ids, names and paths are from Azure/azure-rest-api-specs, 2025-03-01-preview, or from captured
 * messages if those differ (`Audio_Translations`).
 */
export const operations = {
  chatCompletions: {
    ...onDeployment,
    id: 'ChatCompletions_Create',
    errorName: 'chatCompletion',
    path: 'chat/completions',
  },
  completions: { ...onDeployment, id: 'Completions_Create', errorName: 'completion', path: 'completions' },
  embeddings: { ...onDeployment, id: 'Embeddings_Create', errorName: 'embeddings', path: 'embeddings' },
  responses: {
    ...onDeployment,
    id: 'Create_Response',
    errorName: 'responses',
    path: 'responses',
    datedUnder: 'openai',
  },
  countInputTokens: {
    ...onDeployment,
    id: 'Count_Input_Tokens',
    errorName: 'responses',
    path: 'responses/input_tokens',
    datedUnder: 'openai',
  },
  compactConversation: {
    ...onDeployment,
    id: 'Compact_Conversation',
    errorName: 'responses',
    path: 'responses/compact',
    datedUnder: 'openai',
  },
  imageGenerations: {
    ...onDeployment,
    id: 'ImageGenerations_Create',
    errorName: 'imageGenerations',
    path: 'images/generations',
  },
  imageEdits: { ...onDeployment, id: 'ImageEdits_Create', errorName: 'imageEdits', path: 'images/edits' },
  speech: { ...onDeployment, id: 'Audio_Speech', errorName: 'audioSpeech', path: 'audio/speech' },
  transcriptions: {
    ...onDeployment,
    id: 'Audio_Transcriptions',
    errorName: 'audioTranscription',
    path: 'audio/transcriptions',
  },
  translations: {
    ...onDeployment,
    id: 'Audio_Translations',
    errorName: 'audioTranslation',
    path: 'audio/translations',
  },
  getResponse: { ...onResource, id: 'Get_Response', method: 'GET', path: 'responses/{id}' },
  deleteResponse: { ...onResource, id: 'Delete_Response', method: 'DELETE', path: 'responses/{id}' },
  cancelResponse: { ...onResource, id: 'Cancel_Response', method: 'POST', path: 'responses/{id}/cancel' },
  listInputItems: { ...onResource, id: 'Get_Input_Items', method: 'GET', path: 'responses/{id}/input_items' },
  listModels: { ...onResource, id: 'Models_List', method: 'GET', path: 'models' },
  getModel: { ...onResource, id: 'Models_Get', method: 'GET', path: 'models/{id}' },
  // Their ids are not captured: those of OpenAI's operations are the pattern.
  messages: {
    ...onDeployment,
    ...ofAnthropic,
    id: 'Messages_Create',
    errorName: 'messages',
    path: 'messages',
  },
  countMessageTokens: {
    ...onDeployment,
    ...ofAnthropic,
    id: 'Messages_CountTokens',
    errorName: 'messages',
    path: 'messages/count_tokens',
  },
  listAnthropicModels: {
    ...onResource,
    ...ofAnthropic,
    id: 'Anthropic_Models_List',
    method: 'GET',
    path: 'models',
  },
  getAnthropicModel: {
    ...onResource,
    ...ofAnthropic,
    id: 'Anthropic_Models_Get',
    method: 'GET',
    path: 'models/{id}',
  },
} as const satisfies Readonly<Record<string, OperationFacts>>

/** The name of an operation of the data plane. */
export type Operation = keyof typeof operations

/** Operations that a model performs. They need a deployment. */
export type ModelOperation = {
  [O in Operation]: (typeof operations)[O]['deployment'] extends 'nowhere' ? never : O
}[Operation]

/** Operations without a deployment. */
export type ResourceOperation = Exclude<Operation, ModelOperation>

/** Returns whether the operation needs a deployment. */
export function isModelOperation(operation: Operation): operation is ModelOperation {
  return operations[operation].deployment !== 'nowhere'
}

/** Returns the operation that a model must support for the given one. */
export function supportedBy(operation: ModelOperation): ModelOperation {
  if (operation === 'countMessageTokens') return 'messages'
  return operation === 'countInputTokens' || operation === 'compactConversation' ? 'responses' : operation
}

/** Returns whether the operation is one of the Responses API. */
export function isResponsesOperation(operation: Operation): boolean {
  return operations[operation].path.startsWith('responses')
}

/** Operations of Anthropic's API. */
export type AnthropicOperation = {
  [O in Operation]: (typeof operations)[O]['datedUnder'] extends 'none' ? O : never
}[Operation]

/** Returns whether the operation is one of Anthropic's API. */
export function isAnthropicOperation(operation: Operation): operation is AnthropicOperation {
  return operations[operation].datedUnder === 'none'
}

/** A valid path of the data plane. */
export interface Route {
  readonly operation: Operation
  /** Resource name in the path prefix; absent without a prefix. */
  readonly resource?: string
  /** Deployment in the path; absent if the body names it, or for operations without a deployment. */
  readonly deploymentName?: string
  /** Id of a response or a model in the path. */
  readonly id?: string
  /** Whether the path requires `api-version` in the query (`/openai/deployments/...`) or not (`/openai/v1/...`). */
  readonly dated: boolean
  /** Whether the path is that of the Azure AI model inference API (`/models/...`), which has its own versions, headers and errors. */
  readonly isInference?: true
}

/** Operations by method and path, with `{id}` instead of the id. */
type PathTable = ReadonlyMap<string, ReadonlyMap<string, Operation>>

const deploymentsPrefix = '/openai/deployments/'
/** `/v1/` is the path of OpenAI, for clients that do not support Azure. */
const v1Prefixes = ['/openai/v1/', '/v1/']
const openaiPrefix = '/openai/'
const inferencePrefix = '/models/'
const anthropicPrefix = '/anthropic/v1/'

/** The operations of the model inference API that the simulator has. */
const inferencePaths = pathTable((operation) => operation === 'chatCompletions' || operation === 'embeddings')
const allPaths = pathTable((operation) => !isAnthropicOperation(operation))
const anthropicPaths = pathTable(isAnthropicOperation)
const deploymentPaths = pathTable((operation) => operations[operation].datedUnder === 'deployments')
const openaiPaths = pathTable((operation) => operations[operation].datedUnder === 'openai')

/** Replaces repeated slashes by one. Clients of the Python simulator rely on it. */
export function collapseSlashes(path: string): string {
  return path.includes('//') ? path.replace(/\/{2,}/g, '/') : path
}

/** Cache for POST requests, which use few different paths under load. */
const postRoutes = new RecentMap<string, Route>(10_000)
const MAX_CACHED_PATH_LENGTH = 256

/** Finds the operation of a method and a path (no query, no repeated slashes). Returns undefined for an unknown path. */
export function findRoute(method: string, path: string): Route | undefined {
  if (method !== 'POST' || path.length > MAX_CACHED_PATH_LENGTH) return parseRoute(method, path)
  const known = postRoutes.get(path)
  if (known) return known
  const route = parseRoute(method, path)
  if (route) postRoutes.set(path, route)
  return route
}

/** A resource name as the prefix of a data-plane path. */
const resourcePrefix =
  /^\/(?!openai\/|v1\/|models\/|anthropic\/)([a-z0-9][a-z0-9-]{0,63})(?=\/(?:openai|v1|models|anthropic)\/)/

/** Returns whether a path begins with the name of a resource and a prefix of the data plane, such as `/acme/openai/`. */
export function hasResourcePrefix(path: string): boolean {
  return resourcePrefix.test(path)
}

/** Returns the resource that a path names. A path that no operation has can still name one. */
export function resourceOf(route: Route | undefined, path: string): string | undefined {
  return route ? route.resource : resourcePrefix.exec(path)?.[1]
}

/** The rule for names of resources, for use in messages. */
export const resourceNameRule =
  'must have 1 to 64 characters of a-z, 0-9 and -, begin with a letter or digit, and not be a reserved name'

/** First segments of paths that the simulator or a service uses, so that no resource can have them as its name. */
export const reservedResourceNames: ReadonlySet<string> = new Set([
  'admin',
  'anthropic',
  'common',
  'default',
  'healthz',
  'images',
  'metrics',
  'models',
  'oauth2',
  'openai',
  'organizations',
  'stats',
  'v1',
])

/** Returns whether a resource can have the name. */
export function isResourceName(name: string): boolean {
  return /^[a-z0-9][a-z0-9-]{0,63}$/.test(name) && !reservedResourceNames.has(name)
}

/** Returns whether a path without the prefix of a resource is one of OpenAI, which Azure does not have. */
export function isOpenaiPath(path: string): boolean {
  return path.startsWith('/v1/')
}

/** Removes everything before the first `/openai/`, `/anthropic/`, `/v1/` or `/models/`, such as the prefix of a gateway or a resource. */
export function stripPathPrefix(path: string): string {
  return /\/(?:openai|anthropic|v1|models)\/.*/s.exec(path)?.[0] ?? path
}

function parseRoute(method: string, path: string): Route | undefined {
  const [prefix, resource] = resourcePrefix.exec(path) ?? []
  if (prefix === undefined || resource === undefined) return parseServicePath(method, path)
  const route = parseServicePath(method, path.slice(prefix.length))
  return route && { ...route, resource }
}

function parseServicePath(method: string, path: string): Route | undefined {
  if (path.startsWith(deploymentsPrefix)) return parseDeploymentPath(method, path)
  for (const prefix of v1Prefixes) {
    if (path.startsWith(prefix)) return findOperation(allPaths, method, path.slice(prefix.length), false)
  }
  if (path.startsWith(inferencePrefix)) {
    const route = findOperation(inferencePaths, method, path.slice(inferencePrefix.length), false)
    return route && { ...route, isInference: true }
  }
  if (path.startsWith(anthropicPrefix))
    return findOperation(anthropicPaths, method, path.slice(anthropicPrefix.length), false)
  if (path.startsWith(openaiPrefix))
    return findOperation(openaiPaths, method, path.slice(openaiPrefix.length), true)
  return undefined
}

function parseDeploymentPath(method: string, path: string): Route | undefined {
  const slash = path.indexOf('/', deploymentsPrefix.length)
  if (slash <= deploymentsPrefix.length) return undefined
  const route = findOperation(deploymentPaths, method, path.slice(slash + 1), true)
  const deploymentName = route && decodeSegment(path.slice(deploymentsPrefix.length, slash))
  return route && deploymentName ? { ...route, deploymentName } : undefined
}

function findOperation(table: PathTable, method: string, rest: string, dated: boolean): Route | undefined {
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

/** Returns undefined for an invalid percent-encoding, so that the path is unknown. */
function decodeSegment(segment: string): string | undefined {
  if (!segment.includes('%')) return segment
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}

/** The rule for deployment names, for use in messages. Azure allows at most 64 characters and fewer kinds of characters. */
export const deploymentNameRule =
  'must have 1 to 256 printable characters of ASCII or Latin-1, with no space at either end'

const deploymentNamePattern = /^[\x21-\x7e\xa1-\xff](?:[\x20-\x7e\xa0-\xff]*[\x21-\x7e\xa1-\xff])?$/

/** Returns whether the name is valid for a deployment. Answers contain it in headers, which allow no other characters. */
export function isDeploymentName(name: string): boolean {
  return name.length <= 256 && deploymentNamePattern.test(name)
}
