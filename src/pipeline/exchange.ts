import type { IncomingHttpHeaders } from 'node:http'
import type { Config } from '../config/config.ts'
import type { Deployment } from '../config/deployments.ts'
import { recogniseRoute, type Route } from '../openai/route.ts'
import type { RateLimits } from '../openai/service-headers.ts'
import type { Clock } from '../platform/clock.ts'
import type { Random } from '../platform/random.ts'
import { parseJson } from './parse-json.ts'

/** How the sending of an answer ended. Times are milliseconds from the start of the request. */
export interface Outcome {
  /** The client left, or the connection broke, before the last byte was handed over. */
  readonly aborted: boolean
  /** When the first byte of the body was handed to the network; absent when none was. */
  readonly firstByteMs: number | undefined
  readonly endMs: number
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
export interface Surroundings {
  readonly config: Config
  readonly clock: Clock
  /** The request's own stream of chance: requests that run side by side do not disturb each other. */
  readonly random: Random
  /** When the request began, on the clock's monotonic scale. */
  readonly startedMs: number
}

/** One request on its way through the pipeline, with what the stages have found out about it. */
export class Exchange {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** The configuration of the moment when the request came; a later patch does not change it. */
  readonly config: Config
  readonly clock: Clock
  readonly random: Random
  readonly startedMs: number
  /** The recognised path of the data plane; undefined for any other path. */
  readonly route: Route | undefined
  /** The resource that the caller talks to. There is one. */
  readonly resource = 'default'
  /** Set once the deployment that the request names has been found. */
  deployment: Deployment | undefined
  /** Set once the deployment's limits have been asked; absent for a deployment without limits. */
  rateLimits: RateLimits | undefined

  #json: { readonly value: unknown } | undefined
  #apiVersion: string | undefined
  #abort: AbortController | undefined
  #outcome: Outcome | undefined
  #onEnd: ((outcome: Outcome) => void)[] = []

  constructor(incoming: Incoming, surroundings: Surroundings) {
    this.method = incoming.method
    this.path = incoming.path
    this.query = incoming.query
    this.headers = incoming.headers
    this.body = incoming.body
    this.config = surroundings.config
    this.clock = surroundings.clock
    this.random = surroundings.random
    this.startedMs = surroundings.startedMs
    this.route = recogniseRoute(incoming.method, incoming.path)
  }

  /** The body as JSON, parsed once; undefined when it is not valid JSON. */
  get json(): unknown {
    this.#json ??= { value: parseJson(this.body) }
    return this.#json.value
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

  /** Calls `listener` once when the answer has been sent or the client has left; at once when that is past. */
  onEnd(listener: (outcome: Outcome) => void): void {
    if (this.#outcome) listener(this.#outcome)
    else this.#onEnd.push(listener)
  }

  /** Tells the exchange how the sending ended. Only the first call counts. */
  end(outcome: Outcome): void {
    if (this.#outcome) return
    this.#outcome = outcome
    if (outcome.aborted) this.#abort?.abort()
    for (const listener of this.#onEnd) listener(outcome)
    this.#onEnd = []
  }
}
