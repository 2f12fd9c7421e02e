import type { IncomingHttpHeaders } from 'node:http'
import { type Config, defaultResourceName, type ResourceView } from '../config/config.ts'
import type { Deployment } from '../config/deployments.ts'
import { forwardedDeployment } from '../config/model-mapper.ts'
import { type SourceName, sourceOf } from '../config/source-names.ts'
import { guid } from '../wire/ids.ts'
import { isMultipart, parseMultipart, type MultipartForm } from '../wire/multipart.ts'
import { findRoute, resourceOf, type Route } from '../wire/route.ts'
import { type RequestedTier, tierHeader, tierNamed, tierOfHeader } from '../wire/service-tier.ts'
import type { RateLimits } from '../wire/service-headers.ts'
import type { Clock } from '../lib/clock.ts'
import { UNCOUNTED_BYTES, type MemoryBudget } from '../lib/memory-budget.ts'
import type { Random } from '../lib/random.ts'
import { fieldsOf } from '../lib/record.ts'
import { parseJson } from '../lib/parse-json.ts'
import type { HarmCategory, PromptCategory } from '../wire/content-filters.ts'
import type { Schedule } from './reply.ts'
import type { RequestRecorder } from './trace.ts'
import type { UpstreamCall } from './upstream-call.ts'
import type { Model } from '../wire/models/models.ts'
import type { PacingWatch } from './pacing-watch.ts'
import { wireFormOf, type WireForm } from '../wire/wire-profile.ts'

/** How the sending of an answer ended. Times are milliseconds from the start of the request. */
export interface Outcome {
  /** Whether the client disconnected, or the connection failed, before the last byte was written to the socket. */
  readonly aborted: boolean
  /** Time at which the first byte of the body was written to the socket; undefined if none was. */
  readonly firstByteMs: number | undefined
  readonly endMs: number
}

/** A request from a carrier (a socket, or a Web Request). */
export interface Incoming {
  readonly method: string
  /** Path without query; consecutive slashes count as one. */
  readonly path: string
  /** The query without its question mark. */
  readonly query: string
  /** Header names in lower case. */
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** Dependencies of each exchange. */
export interface ExchangeEnv {
  readonly config: Config
  readonly clock: Clock
  /** Random stream of this request only, so that concurrent requests do not affect each other. */
  readonly random: Random
  /** Start of the request on the monotonic scale of the clock. */
  readonly startedMs: number
  /** Parses a body as JSON; undefined if it is not JSON. Default: each request parses its body, and may change the result. */
  readonly readJson?: ((body: Buffer) => unknown) | undefined
  /** Memory that large requests and answers share; absent: no limit. */
  readonly budget?: MemoryBudget
  /** Called when a listener for the end of the exchange throws or rejects; absent: such errors are ignored. */
  readonly onListenerFailure?: (error: unknown, exchange: Exchange) => void
}

/** Returns the configuration of the resource that a path names; undefined if it does not exist. */
export function viewOf(config: Config, resource: string | undefined): ResourceView | undefined {
  return resource === undefined ? config.defaultResource : config.resources.get(resource)
}

/** Branch of the random stream for the ids of a request, separate from that of its answer. */
const ID_BRANCH = 0x6964

/**
 * A request in the pipeline, with the results of the stages. The request, its route, resource and id are set from the start; the
 * caller from the stage `key` on, the deployment from `deployment` on (`Addressed`), and the rate limits from `limits` on.
 */
export class Exchange {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** Configuration of the resource at the arrival of the request. Later patches do not change it. */
  readonly config: ResourceView
  readonly clock: Clock
  readonly random: Random
  readonly startedMs: number
  /** Id of the request, a GUID: `apim-request-id` in headers, in the log and in the journal. */
  readonly id: string
  /** Route of the data plane; undefined for any other path. */
  readonly route: Route | undefined
  /** Route of a path that names a resource which does not exist. `route` is then undefined. */
  readonly routeOfUnknownResource: Route | undefined
  /** Name of the resource. */
  readonly resource: string
  /** Mode of the default resource, which decides what a caller without a key gets for a path that no operation has. */
  readonly defaultMode: SourceName
  /**
   * Set in the stage `deployment`; after a spillover, the deployment that answers. An extension can set it for its own paths, so
   * that metrics, the journal and usage have the deployment.
   */
  deployment: Deployment | undefined
  /** Set in the stage `limits`; undefined for a deployment without limits. */
  rateLimits: RateLimits | undefined
  /** Utilization of a provisioned deployment, including this request: 1 is 100 %. */
  utilization: number | undefined
  /** The provisioned deployment at its limit from which the request spilled over to `deployment`. */
  spilledOverFrom: string | undefined
  /** Time that the request waited for a slot of its deployment, in milliseconds. */
  queuedMs = 0
  /** Due times of the answer, set in the stage `service-headers`; undefined for an answer that is due immediately. */
  schedule: Schedule | undefined
  /** Effects of the current incident on the deployment; undefined without an incident. */
  conditions: IncidentEffects | undefined
  /** Properties of a generated answer that are set in advance; undefined for most requests. */
  forced: AnswerOverride | undefined
  /** Name of the limiter that replaces the limits of the deployment; set by a hook. */
  limiter: string | undefined
  /**
   * Identity of the client, never the key itself. Set in the stage `key`, or before by a hook that authenticates the request
   * itself: such a request needs no key.
   */
  caller: string | undefined
  /** Why the stage `key` refused the request, such as `unknown-key`. For operators: the answer never contains it. */
  refusal: string | undefined
  /** Description of the answer, or the file and line of its recording, for the log; not set by generate. */
  answeredBy: string | { readonly file: string | undefined; readonly line: number } | undefined
  /** The call to a real service; undefined for a request that is not recorded or forwarded. */
  upstreamCall: UpstreamCall | undefined
  /** Is notified of the delays with which the answer is sent; optional. */
  pacingWatch: PacingWatch | undefined
  /** Records the request and its answer; undefined unless the request is sampled. */
  recorder: RequestRecorder | undefined

  #json: { readonly value: unknown } | undefined
  #form: { readonly value: MultipartForm | undefined } | undefined
  #apiVersion: string | undefined
  #modelRequestId: string | undefined
  #abort: AbortController | undefined
  #outcome: Outcome | undefined
  #onEnd: ((outcome: Outcome) => void)[] = []
  #heldBytes = 0
  readonly #ids: Random
  readonly #budget: MemoryBudget | undefined
  readonly #readJson: (body: Buffer) => unknown
  readonly #onListenerFailure: ExchangeEnv['onListenerFailure']

  constructor(incoming: Incoming, env: ExchangeEnv) {
    this.method = incoming.method
    this.path = incoming.path
    this.query = incoming.query
    this.headers = incoming.headers
    this.body = incoming.body
    this.clock = env.clock
    this.random = env.random
    this.startedMs = env.startedMs
    this.#ids = env.random.branch(ID_BRANCH)
    this.id = guid(this.#ids)
    this.#budget = env.budget
    this.#readJson = env.readJson ?? parseJson
    this.#onListenerFailure = env.onListenerFailure
    const route = findRoute(incoming.method, incoming.path)
    const resource = resourceOf(route, incoming.path)
    const view = viewOf(env.config, resource)
    this.route = view && route
    this.routeOfUnknownResource = view ? undefined : route
    this.resource = (view && resource) ?? defaultResourceName
    this.defaultMode = env.config.defaultResource.mode
    this.config = view ?? env.config.defaultResource
  }

  /** Source of the answer: that of the deployment, or else the mode. */
  get source(): SourceName {
    const { config } = this
    // The name of the deployment can require parsing the body.
    if (config.sources.length === 1) return config.mode
    return sourceOf(this.deployment ?? this.configured, config)
  }

  /** The configured deployment that the request names; undefined if it names none. Answers that are not forwarded require its exact name. */
  get configured(): Deployment | undefined {
    const { deploymentName: name, config } = this
    return name === undefined
      ? undefined
      : (config.deployments.get(name) ?? forwardedDeployment(name, config))
  }

  /**
   * Name of the deployment in the path, or else `model` in the body (JSON or a form), or else the header of the model inference API.
   * Undefined if the request names no deployment.
   */
  get deploymentName(): string | undefined {
    const { route } = this
    if (!route || route.deploymentName !== undefined) return route?.deploymentName
    if (this.isForm) return this.form?.text('model')
    const { model } = fieldsOf(this.json)
    if (typeof model === 'string') return model
    const header = route.isInference && this.headers['x-ms-model-mesh-model-name']
    return typeof header === 'string' ? header : undefined
  }

  /** The path without the prefix of the resource, which other services do not have: that of recordings and of upstreams. */
  get servicePath(): string {
    const { path, route, resource } = this
    const isPrefixed = resource !== defaultResourceName || route?.resource !== undefined
    return isPrefixed ? path.slice(path.indexOf('/', 1)) : path
  }

  /** Fields of the request in log lines. */
  get logFields(): { readonly requestId: string; readonly method: string; readonly path: string } {
    return { requestId: this.id, method: this.method, path: this.path }
  }

  /**
   * Tier that a request for chat or responses asks for: that of the header, else of `service_tier`, else `auto`. Undefined for other
   * operations and for an unknown tier.
   */
  get requestedTier(): RequestedTier | undefined {
    const operation = this.route?.operation
    if (operation !== 'chatCompletions' && operation !== 'responses') return undefined
    const header = this.headers[tierHeader]
    if (header !== undefined) return tierOfHeader(header)
    const { service_tier: asked } = fieldsOf(this.json)
    return asked === undefined || asked === null ? 'auto' : tierNamed(asked)
  }

  /** The body as JSON, parsed once; undefined if it is not valid JSON. */
  get json(): unknown {
    this.#json ??= { value: this.isForm ? undefined : this.#readJson(this.body) }
    return this.#json.value
  }

  /** Whether the content type is multipart/form-data. Such a body, which can have 25 MB, is never parsed as JSON. */
  get isForm(): boolean {
    return isMultipart(this.headers['content-type'])
  }

  /** The body as multipart/form-data, parsed once; undefined if it is not valid. */
  get form(): MultipartForm | undefined {
    this.#form ??= { value: parseMultipart(this.body, this.headers['content-type']) }
    return this.#form.value
  }

  /**
   * Reserves memory that all requests and answers share (BODIES_LIMIT_MB) until the end of the exchange. Returns false, without a
   * reservation, if there is not enough.
   *
   * @param bytes up to 64 KB are not counted
   */
  reserve(bytes: number): boolean {
    if (bytes <= UNCOUNTED_BYTES || !this.#budget) return true
    if (!this.#budget.tryReserve(bytes, this.#heldBytes)) return false
    this.hold(bytes, () => this.#budget?.release(bytes))
    return true
  }

  /** Takes over memory that was reserved for the request earlier. `release` is called at the end of the exchange. */
  hold(bytes: number, release: () => void): void {
    this.#heldBytes += bytes
    this.onEnd(release)
  }

  /** Id of the request in the model, another GUID (`x-request-id`). */
  get modelRequestId(): string {
    this.#modelRequestId ??= guid(this.#ids)
    return this.#modelRequestId
  }

  /** Value of `api-version` in the query; undefined if it is absent. */
  get apiVersion(): string | undefined {
    // Fast path: parsing a query is the most expensive part of routing, and most requests have only this parameter.
    if (/^api-version=[\w-]*$/.test(this.query)) return this.query.slice('api-version='.length)
    this.#apiVersion ??= new URLSearchParams(this.query).get('api-version') ?? undefined
    return this.#apiVersion
  }

  /** Aborted when the client disconnects before its answer is complete. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.#outcome?.aborted) this.#abort.abort()
    return this.#abort.signal
  }

  /** Whether the client has disconnected before its answer was complete. */
  get aborted(): boolean {
    return this.#outcome?.aborted ?? false
  }

  /** Whether the answer has been sent or the client has disconnected. */
  get ended(): boolean {
    return this.#outcome !== undefined
  }

  /**
   * Calls `listener` once when the answer has been sent or the client has disconnected; immediately if that has already happened.
   * If a listener throws, the others are still called.
   */
  onEnd(listener: (outcome: Outcome) => void): void {
    if (this.#outcome) this.#tell(listener, this.#outcome)
    else this.#onEnd.push(listener)
  }

  /** Ends the exchange. Only the first call has an effect. */
  end(outcome: Outcome): void {
    if (this.#outcome) return
    this.#outcome = outcome
    if (outcome.aborted) this.#abort?.abort()
    for (const listener of this.#onEnd) this.#tell(listener, outcome)
    this.#onEnd = []
  }

  #tell(listener: (outcome: Outcome) => unknown, outcome: Outcome): void {
    try {
      const result = listener(outcome)
      // TypeScript accepts an async function as a listener, and an unhandled rejection would end the process.
      if (result instanceof Promise) result.catch((error: unknown) => this.#onListenerFailure?.(error, this))
    } catch (error) {
      this.#onListenerFailure?.(error, this)
    }
  }
}

/** An exchange with a deployment, which a model can answer. */
export type Addressed = Exchange & { readonly route: Route; readonly deployment: Deployment }

/** Returns whether an exchange has a deployment. */
export function isAddressed(exchange: Exchange): exchange is Addressed {
  return exchange.route !== undefined && exchange.deployment !== undefined
}

/** Properties of a generated answer that a fault, the client or a hook sets instead of random ones. */
export interface AnswerOverride {
  /** Tokens of the text of each choice, at least 1; with `text` the maximum. The limits of the request and the model apply. */
  readonly tokens?: number
  /** Finish reason of each choice, independent of its length. */
  readonly finishReason?: 'stop' | 'length'
  /**
   * Text of each choice, in chat completions, legacy completions and responses. There are no tool calls, and the response format
   * of the request is ignored. Its tokens are counted as usage; the limits and stop sequences of the request end it.
   */
  readonly text?: string
  /** Number of tool calls, or the called tools in order. The tool choice of the request applies. 0 means text. */
  readonly toolCalls?: number | readonly string[]
  /** Answers with calls before the text, counted from the last message of the user. */
  readonly toolRounds?: number
  /** The model refuses with this text, in APIs that have refusals. */
  readonly refusal?: string
  /** Result of the content filter, independent of the texts. */
  readonly verdict?: VerdictOverride
  /** Whether the standard tier processes a request for the priority tier. */
  readonly downgraded?: boolean
}

/** Result of the content filter: harm in the prompt, in the answer, or late in a stream, or no result because the filter failed. */
export type VerdictOverride =
  | { readonly kind: 'unjudged' }
  | { readonly kind: 'prompt'; readonly category: PromptCategory }
  | { readonly kind: 'completion' | 'late'; readonly category: HarmCategory }

/** Effects of an incident on a deployment. 1 has no effect. */
export interface IncidentEffects {
  /** Multiplies the time to the first token, and the time of an answer that is not a stream of tokens. */
  readonly firstTokenFactor: number
  /** Multiplies the time of each token. */
  readonly perTokenFactor: number
  /** Multiplies the deployment's limits. */
  readonly limitFactor: number
}

/** Returns whether the body asks for a stream. */
export function asksForStream({ json }: Exchange): boolean {
  return fieldsOf(json)['stream'] === true
}

/** Returns the form of the answers of a model: that of the deployment, or of the resource. */
export function formOf({ deployment, config }: Exchange, model: Model): WireForm {
  return wireFormOf(deployment?.wireProfile ?? config.wireProfile, model)
}
