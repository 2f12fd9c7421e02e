import { dropCredentials } from '../lib/credential-texts.ts'
import { isAnthropicOperation, type Operation, operations } from '../wire/route.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { isMultipart } from '../wire/multipart.ts'
import type { ApiVersionRules, Upstream } from '../config/upstreams.ts'
import { targetOf, withoutBasePath } from './upstream-target.ts'

/** A request to an upstream, before its address and credential are known. */
export interface UpstreamRequest {
  /** What is requested; undefined for a path that no operation has. */
  readonly operation: Operation | undefined
  /** Name of the deployment or model at the upstream; undefined if the request names none. */
  readonly model: string | undefined
  /** Model of the deployment, which may have another name at the upstream; absent if it is unknown. */
  readonly modelName?: string | undefined
  readonly method: string
  /** The path of the client without the prefix of the resource: `/v1/chat/completions`. */
  readonly servicePath: string
  /** The query of the client without its question mark. */
  readonly query: string
  readonly body: Buffer
  /** Content type of the body; absent if it has none. */
  readonly contentType?: string
  /** Whether `body` was converted for `operation`, so that path and query of the client do not apply. */
  readonly converted: boolean
}

/** Returns the request of a client without changes. @param model its name at the upstream; undefined if the request names none */
export function requestAsAsked(exchange: Exchange, model: string | undefined): UpstreamRequest {
  const { method, servicePath, query, body, route, headers } = exchange
  const contentType = headers['content-type']
  const modelName = exchange.deployment?.model.errorName
  const operation = route?.operation
  const request = { operation, model, modelName, method, servicePath, query, body, converted: false }
  return contentType === undefined ? request : { ...request, contentType }
}

/** Returns a request that costs nothing: for the list of models, or the description of a serverless deployment. */
export function checkRequest(kind: Upstream['kind']): UpstreamRequest {
  // Serverless deployments have one model and no list.
  const servicePath =
    kind === 'serverless' ? '/models/info' : kind === 'anthropic' ? '/anthropic/v1/models' : '/v1/models'
  const operation =
    kind === 'anthropic' ? 'listAnthropicModels' : kind === 'serverless' ? undefined : 'listModels'
  const query = kind === 'serverless' ? `api-version=${INFERENCE_VERSION}` : ''
  const body = Buffer.alloc(0)
  return { operation, model: undefined, method: 'GET', servicePath, query, body, converted: false }
}

/** Where a request is sent. */
export interface UpstreamAddress {
  /** The API that the path belongs to; `other` for that of another service. */
  readonly api: ServicePath['api']
  /** Path and query at the upstream. */
  readonly path: string
  /** Headers that the API requires, unless the client sent them; names and values alternate. */
  readonly headers: readonly string[]
  /** Whether the path names the deployment. If not, `model` of the body must. */
  readonly hasModelInPath: boolean
}

/** What the address of a request depends on. */
export type AddressedUpstream = Pick<Upstream, 'endpoint' | 'kind' | 'apiVersion'>

/**
 * Version of the Messages API for requests without one, such as converted ones. The newer one (2026-10-21) refuses `temperature`,
 * `top_p` and `top_k` (Anthropic, "Versions").
 */
const ANTHROPIC_VERSION = '2023-06-01'

/** Latest version of the model inference API (Microsoft Learn, "Model Inference REST API"). */
const INFERENCE_VERSION = '2024-05-01-preview'

/** A path of a client by its API, without what the kinds of upstreams write differently. */
interface ServicePath {
  /** `other`: a path of another service, which is forwarded unchanged. */
  readonly api: 'openai' | 'anthropic' | 'inference' | 'other'
  /** Whether its `api-version` is a date. */
  readonly dated: boolean
  /** Deployment in the path, percent-encoded. */
  readonly deployment: string | undefined
  /** After the prefix and the deployment, without a slash in front: `chat/completions`. */
  readonly rest: string
}

/** Returns the path, query and headers for a request by the kind and API version of its upstream. */
export function addressOf(request: UpstreamRequest, upstream: AddressedUpstream): UpstreamAddress {
  const { basePath, rootPath } = targetOf(upstream.endpoint)
  const path = servicePathOf(request, rootPath)
  const isMessages = path.api === 'anthropic'
  const headers = isMessages ? ['anthropic-version', ANTHROPIC_VERSION] : []
  const query = request.converted ? '' : dropCredentials(request.query)
  if (path.api === 'other') {
    return { api: path.api, path: withQuery(basePath + path.rest, query), headers, hasModelInPath: false }
  }
  if (upstream.kind === 'serverless' && path.api === 'inference' && path.rest === 'info') {
    return { api: path.api, path: withQuery(`${rootPath}/info`, query), headers, hasModelInPath: false }
  }
  if (upstream.kind !== 'azure') {
    const full = `${rootPath}/v1/${path.rest.replace(/^deployments(?=\/|$)/, 'models')}`
    return {
      api: path.api,
      path: withQuery(full, withVersion(query, undefined)),
      headers,
      hasModelInPath: false,
    }
  }
  if (isMessages) {
    const full = `${rootPath}/anthropic/v1/${path.rest}`
    return {
      api: path.api,
      path: withQuery(full, withVersion(query, undefined)),
      headers,
      hasModelInPath: false,
    }
  }
  if (path.api === 'inference') {
    return {
      api: path.api,
      path: withQuery(`${rootPath}/models/${path.rest}`, query),
      headers,
      hasModelInPath: false,
    }
  }
  const { full, version, hasModelInPath } = azurePath(request, upstream, path, basePath)
  const fullQuery = version === 'as-asked' ? query : withVersion(query, version)
  return { api: path.api, path: withQuery(rootPath + full, fullQuery), headers, hasModelInPath }
}

/** The path of the OpenAI API at Azure, and its api-version: `as-asked` keeps that of the client, undefined sends none. */
function azurePath(
  request: UpstreamRequest,
  { apiVersion }: AddressedUpstream,
  path: ServicePath,
  basePath: string,
): { readonly full: string; readonly version: string | undefined; readonly hasModelInPath: boolean } {
  const { operation, model, modelName } = request
  const deployment = deploymentSegment(model, path.deployment)
  const isUnderDeployment =
    path.deployment !== undefined ||
    (operation !== undefined && operations[operation].datedUnder === 'deployments')
  const names = [model ?? decodedName(path.deployment), modelName].flatMap(
    (name) => name?.toLowerCase() ?? [],
  )
  let version = versionFor(apiVersion, operation, names)
  if (version === 'as-asked' && basePath.endsWith('/openai/v1')) version = 'v1'
  const askedVersion = new URLSearchParams(request.query).get('api-version') ?? undefined
  if (version === 'as-asked' && !request.converted) {
    // The path names the deployment, so that a form with a file does not have to be changed.
    if (!path.dated && isUnderDeployment && deployment !== undefined && isMultipart(request.contentType)) {
      version = versionByModel(operation, names)
    } else if (path.dated) {
      const full = path.deployment === undefined ? path.rest : `deployments/${deployment}/${path.rest}`
      return { full: `/openai/${full}`, version: 'as-asked', hasModelInPath: path.deployment !== undefined }
    }
  }
  const isV1 = version === 'v1' || version === 'as-asked' || (isUnderDeployment && deployment === undefined)
  if (isV1) {
    const isV1Version = askedVersion !== undefined && v1Versions.has(askedVersion)
    const ofClient = isV1Version && !request.converted ? askedVersion : undefined
    return { full: `/openai/v1/${path.rest}`, version: ofClient, hasModelInPath: false }
  }
  const full = isUnderDeployment ? `deployments/${deployment}/${path.rest}` : path.rest
  return { full: `/openai/${full}`, version, hasModelInPath: isUnderDeployment }
}

/** Values of `api-version` on v1 paths (Microsoft Learn, "API version lifecycle"). */
const v1Versions: ReadonlySet<string> = new Set(['preview', 'v1', 'latest'])

/**
 * The rule for a request: `as-asked`, `v1` or a date.
 *
 * @param names the name at the upstream and that of the model, in lower case
 */
function versionFor(
  rules: ApiVersionRules,
  operation: Operation | undefined,
  names: readonly string[],
): string {
  const ofModel = rules.byModel.find(({ prefix }) =>
    names.some((name) => name.startsWith(prefix.toLowerCase())),
  )
  const version = (operation && rules.byOperation.get(operation)) ?? ofModel?.version ?? rules.default
  return version === 'by-model' ? versionByModel(operation, names) : version
}

function servicePathOf(
  { converted, operation, servicePath }: UpstreamRequest,
  rootPath: string,
): ServicePath {
  if (converted && operation !== undefined) {
    const api = isAnthropicOperation(operation) ? 'anthropic' : 'openai'
    return { api, dated: false, deployment: undefined, rest: operations[operation].path }
  }
  const path = withoutBasePath(rootPath, servicePath)
  const [, deployment, afterDeployment] = /^\/openai\/deployments\/([^/]+)\/(.+)$/s.exec(path) ?? []
  if (deployment !== undefined && afterDeployment !== undefined) {
    return { api: 'openai', dated: true, deployment, rest: afterDeployment }
  }
  const [, prefix, rest] = /^\/(anthropic\/v1|openai\/v1|openai|v1)\/(.+)$/s.exec(path) ?? []
  if (prefix !== undefined && rest !== undefined) {
    // OpenAI and Anthropic have the same prefix. Lists of models have the form of OpenAI.
    const api = prefix === 'anthropic/v1' || /^messages(?:\/|$)/.test(rest) ? 'anthropic' : 'openai'
    return { api, dated: prefix === 'openai', deployment: undefined, rest: currentName(rest) }
  }
  const [, inference] = /^\/models\/(chat\/completions|embeddings|images\/embeddings|info)$/.exec(path) ?? []
  if (inference !== undefined)
    return { api: 'inference', dated: false, deployment: undefined, rest: inference }
  const [, list] = /^\/(deployments(?:\/[^/]+)?)$/.exec(path) ?? []
  if (list !== undefined) return { api: 'openai', dated: true, deployment: undefined, rest: list }
  return { api: 'other', dated: false, deployment: undefined, rest: path }
}

/** OpenAI replaced `fine_tunes` by `fine_tuning/jobs` in 2024 (platform.openai.com, "Deprecations"). Azure has only the new path. */
function currentName(rest: string): string {
  return rest.replace(/^fine_tunes(?=\/|$)/, 'fine_tuning/jobs')
}

/**
 * The deployment as a segment of the path. Undefined for a name that no path can contain, such as `..`: it is sent in the body, and the
 * upstream answers that it does not exist.
 */
function deploymentSegment(model: string | undefined, inPath: string | undefined): string | undefined {
  if (model === undefined || model === '' || model === decodedName(inPath)) return inPath
  if (/^\.{1,2}$/.test(model)) return undefined
  try {
    return encodeURIComponent(model)
  } catch {
    return undefined
  }
}

function decodedName(segment: string | undefined): string | undefined {
  if (segment === undefined) return undefined
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}

/** Replaces `api-version` in a query. The other parameters stay as they are. */
function withVersion(query: string, version: string | undefined): string {
  const others = query
    .split('&')
    .filter((parameter) => parameter !== '' && !/^api-version(?:=|$)/i.test(parameter))
  return [...others, ...(version === undefined ? [] : [`api-version=${version}`])].join('&')
}

function withQuery(path: string, query: string): string {
  return query === '' ? path : `${path}?${query}`
}

/** Latest version that is not a preview (Microsoft Learn, "Azure OpenAI in Microsoft Foundry Models API lifecycle"). */
const LATEST_STABLE_VERSION = '2024-10-21'
/** Latest dated version. Later changes have only v1 paths (same page). */
const LATEST_PREVIEW_VERSION = '2025-04-01-preview'

/** An api-version for some models and operations. */
interface VersionRow {
  /** Paths of operations, without the prefix; absent for all. */
  readonly paths?: RegExp
  /** Names of models and deployments, ignoring case; absent for all. */
  readonly models?: RegExp
  readonly version: string
}

/**
 * The api-version of `by-model`. The first row that matches applies. Sources: Microsoft Learn ("API lifecycle", "Reasoning models",
 * "Responses API", "Audio", "Image generation"), the folders of Azure/azure-rest-api-specs, and the errors "enabled only for api versions
 * ... and later" that the service returns for older versions.
 */
const rows: readonly VersionRow[] = [
  // The Responses API needs 2025-03-01-preview for every model.
  { paths: /^responses/, version: LATEST_PREVIEW_VERSION },
  // Speech and image edits are in no stable version.
  { paths: /^(?:audio\/speech|images\/edits)/, version: LATEST_PREVIEW_VERSION },
  { models: /^gpt-image/, version: LATEST_PREVIEW_VERSION },
  { models: /transcribe/, version: LATEST_PREVIEW_VERSION },
  // Reasoning models, and models since gpt-4.1, need 2024-12-01-preview or later.
  {
    models: /^(?:o\d|codex|computer-use|model-router|gpt-4\.1|gpt-(?:[5-9]|(?!35)\d\d))/,
    version: LATEST_PREVIEW_VERSION,
  },
  { models: /^gpt-4o(?:-mini)?-audio|^gpt-audio/, version: '2025-01-01-preview' },
]

/** Returns the api-version of the built-in table for a request. @param names in lower case; one of them must match */
function versionByModel(operation: Operation | undefined, names: readonly string[]): string {
  const path = operation === undefined ? '' : operations[operation].path
  const row = rows.find(
    ({ paths, models }) =>
      (paths?.test(path) ?? true) && (models === undefined || names.some((name) => models.test(name))),
  )
  return row?.version ?? LATEST_STABLE_VERSION
}
