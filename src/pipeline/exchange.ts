import type { IncomingHttpHeaders } from 'node:http'
import { type Config, defaultResourceName, type ResourceView } from '../config/config.ts'
import type { Deployment } from '../config/deployments.ts'
import { type SourceName, sourceOf } from '../config/source-names.ts'
import { guid } from '../wire/ids.ts'
import { isMultipart, parseMultipart, type MultipartForm } from '../wire/multipart.ts'
import { recogniseRoute, type Route } from '../wire/route.ts'
import type { RateLimits } from '../wire/service-headers.ts'
import type { Clock } from '../lib/clock.ts'
import { UNCOUNTED_BYTES, type MemoryBudget } from '../lib/memory-budget.ts'
import type { Random } from '../lib/random.ts'
import { parseJson } from '../lib/parse-json.ts'
import type { HarmCategory, PromptCategory } from '../wire/content-filters.ts'

/** How the sending of an answer ended. Times are milliseconds from the start of the request. */
export interface Outcome {
  /** The client left, or the connection broke, before the last byte was handed over. */
  readonly aborted: boolean
  /** When the first byte of the body was handed to the network; absent when none was. */
  readonly firstByteMs: number | undefined
  readonly endMs: number
}

/** Hears when the parts of a planned answer are handed to the network. */
export interface PacingWatch {
  /**
   * A part has been sent: the first token of a stream, one of its other tokens, or an answer as a whole.
   *
   * @param lateMs how long after it was due
   * @param nowMs the clock's time
   */
  sent(part: 'first-token' | 'token' | 'answer', lateMs: number, nowMs: number): void
}

/** What a carrier (a socket, or a Web Request) tells of a request. */
export interface Incoming {
  readonly method: string
  /** Path without query; several slashes in a row count as one. */
  readonly path: string
  /** The query without its question mark. */
  readonly query: string
  /** Header names in lower case. */
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** What the simulator gives each request. */
export interface ExchangeEnv {
  readonly config: Config
  readonly clock: Clock
  /** The request's own stream of chance: requests that run side by side do not disturb each other. */
  readonly random: Random
  /** When the request began, on the clock's monotonic scale. */
  readonly startedMs: number
  /** Gives the JSON of a body, undefined where it is none. Absent: each request parses its own, and may change it. */
  readonly readJson?: ((body: Buffer) => unknown) | undefined
  /** What large requests and answers share; absent: nothing bounds them. */
  readonly budget?: MemoryBudget
  /** Hears of a listener to the end of the exchange that threw, or rejected; absent: nobody does. */
  readonly onListenerFailure?: (error: unknown, exchange: Exchange) => void
}

/** What the resource of a route is like; undefined where the configuration has no such resource. */
export function viewOf(config: Config, route: Route | undefined): ResourceView | undefined {
  return route?.resource === undefined ? config.defaultResource : config.resources.get(route.resource)
}

/** Names the stream of chance that the request's ids are drawn from, beside that of its answer. */
const ID_BRANCH = 0x6964

/**
 * One request on its way through the pipeline, with what the stages have found out about it: at its arrival the request, its
 * route, its resource and its id; its caller from the stage `key` on, its deployment from `deployment` on (`Addressed`), and
 * the state of the limits from `limits` on.
 */
export class Exchange {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** What its resource is like at the moment when the request came; a later patch does not change it. */
  readonly config: ResourceView
  readonly clock: Clock
  readonly random: Random
  readonly startedMs: number
  /** The gateway's name of the request, a GUID: the one in its headers (`apim-request-id`), the log and the journal. */
  readonly id: string
  /** The recognised path of the data plane; undefined for any other path. */
  readonly route: Route | undefined
  /** The name of the resource that the caller talks to. */
  readonly resource: string
  /**
   * Set in the stage `deployment`; after a spillover, the deployment that has taken the request over. An extension may set it
   * for a path of its own, so that metrics, the journal and the request's usage name it.
   */
  deployment: Deployment | undefined
  /** Set in the stage `limits`; undefined for a deployment without limits. */
  rateLimits: RateLimits | undefined
  /** Share of a provisioned deployment's throughput that is in use, this request included: 1 is 100 %. */
  utilization: number | undefined
  /** The provisioned deployment that had no room for the request and passed it on to `deployment`. */
  spilledOverFrom: string | undefined
  /** How long the request waited for a slot of its deployment, in milliseconds. */
  queuedMs = 0
  /** What an incident changes about the deployment; undefined while there is none. */
  conditions: IncidentEffects | undefined
  /** What is decided about a generated answer beforehand; undefined for nearly every request. */
  forced: AnswerOverride | undefined
  /** The named limiter that is asked instead of the deployment's limits; set by an extension's hook. */
  limiter: string | undefined
  /**
   * Who sent the request, never the key itself. Set when the key has been checked, or before by an extension's hook with a
   * scheme of its own, whose word is taken: such a request needs no key.
   */
  caller: string | undefined
  /** What answered it, in words or as the place of a recording; set by the sources other than generate, for the log. */
  answeredBy: string | { readonly file: string | undefined; readonly line: number } | undefined
  /** Hears how punctually the answer is sent; set by whoever wants to know. */
  pacingWatch: PacingWatch | undefined

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

  constructor(incoming: Incoming, surroundings: ExchangeEnv) {
    this.method = incoming.method
    this.path = incoming.path
    this.query = incoming.query
    this.headers = incoming.headers
    this.body = incoming.body
    this.clock = surroundings.clock
    this.random = surroundings.random
    this.startedMs = surroundings.startedMs
    this.#ids = surroundings.random.branch(ID_BRANCH)
    this.id = guid(this.#ids)
    this.#budget = surroundings.budget
    this.#readJson = surroundings.readJson ?? parseJson
    this.#onListenerFailure = surroundings.onListenerFailure
    const route = recogniseRoute(incoming.method, incoming.path)
    const view = viewOf(surroundings.config, route)
    this.route = view && route
    this.resource = (view && route?.resource) ?? defaultResourceName
    this.config = view ?? surroundings.config.defaultResource
  }

  /** What answers the request: the source of the deployment that it names, or else the mode. */
  get source(): SourceName {
    const { config } = this
    // Looking for a name may take the parsing of the body.
    if (config.sources.length === 1) return config.mode
    return sourceOf(this.deployment ?? config.deployments.get(this.deploymentName ?? ''), config)
  }

  /** The deployment that the path names, or else the `model` of the body, in JSON or a form; undefined where none is named. */
  get deploymentName(): string | undefined {
    const { route } = this
    if (!route || route.deploymentName !== undefined) return route?.deploymentName
    if (this.isForm) return this.form?.text('model')
    const { json } = this
    const model = typeof json === 'object' && json !== null ? (json as { model?: unknown }).model : undefined
    return typeof model === 'string' ? model : undefined
  }

  /** What a line of the log tells of the request. */
  get logFields(): { readonly requestId: string; readonly method: string; readonly path: string } {
    return { requestId: this.id, method: this.method, path: this.path }
  }

  /** The body as JSON, parsed once; undefined when it is not valid JSON. */
  get json(): unknown {
    this.#json ??= { value: this.isForm ? undefined : this.#readJson(this.body) }
    return this.#json.value
  }

  /** Whether the body says that it is a form with files: such a one is never tried as JSON, for it may have 25 MB. */
  get isForm(): boolean {
    return isMultipart(this.headers['content-type'])
  }

  /** The body as a form with files, parsed once; undefined when it is none or a broken one. */
  get form(): MultipartForm | undefined {
    this.#form ??= { value: parseMultipart(this.body, this.headers['content-type']) }
    return this.#form.value
  }

  /**
   * Takes from the memory that all requests and answers share (BODIES_LIMIT_MB), until the exchange ends; false, with nothing
   * taken, where there is not so much.
   *
   * @param bytes is not counted up to 64 KB
   */
  reserve(bytes: number): boolean {
    if (bytes <= UNCOUNTED_BYTES || !this.#budget) return true
    if (!this.#budget.tryReserve(bytes, this.#heldBytes)) return false
    this.hold(bytes, () => this.#budget?.release(bytes))
    return true
  }

  /** Notes memory of the same kind that was taken for the request before; `give` is called when the exchange ends. */
  hold(bytes: number, give: () => void): void {
    this.#heldBytes += bytes
    this.onEnd(give)
  }

  /** The model's name of the request, another GUID (`x-request-id`). */
  get modelRequestId(): string {
    this.#modelRequestId ??= guid(this.#ids)
    return this.#modelRequestId
  }

  /** The value of `api-version` in the query; undefined when it is absent. */
  get apiVersion(): string | undefined {
    // Parsing a query costs more than all else that a route needs, and most requests have this one parameter.
    if (/^api-version=[\w-]*$/.test(this.query)) return this.query.slice('api-version='.length)
    this.#apiVersion ??= new URLSearchParams(this.query).get('api-version') ?? undefined
    return this.#apiVersion
  }

  /** Fires when the client leaves before its answer is complete. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.#outcome?.aborted) this.#abort.abort()
    return this.#abort.signal
  }

  /** True once the answer has been sent, or the client has left. */
  get ended(): boolean {
    return this.#outcome !== undefined
  }

  /**
   * Calls `listener` once when the answer has been sent or the client has left; at once when that is past. One that throws
   * keeps no other from being called.
   */
  onEnd(listener: (outcome: Outcome) => void): void {
    if (this.#outcome) this.#tell(listener, this.#outcome)
    else this.#onEnd.push(listener)
  }

  /** Tells the exchange how the sending ended. Only the first call counts. */
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
      // TypeScript takes an async function for a listener, and a rejection that nobody handles ends the process.
      if (result instanceof Promise) result.catch((error: unknown) => this.#onListenerFailure?.(error, this))
    } catch (error) {
      this.#onListenerFailure?.(error, this)
    }
  }
}

/** An exchange whose deployment has been found: what a model can answer. */
export type Addressed = Exchange & { readonly route: Route; readonly deployment: Deployment }

/** Whether the deployment of an exchange has been found. */
export function isAddressed(exchange: Exchange): exchange is Addressed {
  return exchange.route !== undefined && exchange.deployment !== undefined
}

/** What a fault, the caller or an extension's hook decides about a generated answer, in the place of chance. */
export interface AnswerOverride {
  /** Tokens of the text of each choice, at least 1; of a given `text` the most. The request's and the model's limits hold. */
  readonly tokens?: number
  /** Why a text ends, whatever its length. */
  readonly finishReason?: 'stop' | 'length'
  /**
   * The text of each choice, in chat completions, legacy completions and responses. No tools are called, and no form that
   * the request asks for is looked at. It is billed for its tokens; the request's limits and stop texts end it.
   */
  readonly text?: string
  /** The model refuses, in these words, where its API knows refusals. */
  readonly refusal?: string
  /** What the content filter finds, whatever the texts say. */
  readonly verdict?: VerdictOverride
}

/** A finding of the content filter: in the prompt, in the answer, or late in a stream. */
export type VerdictOverride =
  | { readonly kind: 'prompt'; readonly category: PromptCategory }
  | { readonly kind: 'completion' | 'late'; readonly category: HarmCategory }

/** What an incident changes about a deployment while it lasts. 1 changes nothing. */
export interface IncidentEffects {
  /** Multiplies the time to the first token, and that of an answer that comes at once. */
  readonly firstTokenFactor: number
  /** Multiplies the time of each token. */
  readonly perTokenFactor: number
  /** Multiplies the deployment's limits. */
  readonly limitFactor: number
}

/** Letters, digits and what else stands in a host with a port, IPv6 in brackets included. */
const plainHost = /^[A-Za-z0-9._-]+(:\d{1,5})?$|^\[[0-9a-fA-F:.]+\](:\d{1,5})?$/

/**
 * Where the caller reaches the simulator, from the Host header, without a slash at the end. A proxy that ends TLS tells
 * so in `x-forwarded-proto`. A request in the same process has no host: it gets the address of the configuration.
 */
export function originOf({ headers, config }: Exchange): string {
  const scheme = headers['x-forwarded-proto'] === 'https' ? 'https' : 'http'
  const { host } = headers
  return `${scheme}://${host !== undefined && plainHost.test(host) ? host : `${config.host}:${config.port}`}`
}
