import type { RedactRule } from './redact-rules.ts'

/** Where requests are forwarded to. */
export interface Upstream {
  /** The base of every forwarded path, without a slash at its end: `https://my-resource.openai.azure.com`. */
  readonly endpoint: string
  /** Sent in place of the caller's key; secret. */
  readonly key: string
  /** How long connecting may take, TLS included. */
  readonly connectTimeoutMs: number
  /** From the connection on until the first byte of the answer. */
  readonly firstByteTimeoutMs: number
  /** Longest pause within an answer, as far as the client keeps up. */
  readonly idleTimeoutMs: number
  /** The whole of a request, retries and the wait for a connection included. */
  readonly totalTimeoutMs: number
  /** Most connections at a time, >= 1. */
  readonly connections: number
  /** How often a request is sent again at most; 0 never does. */
  readonly retries: number
}

/** What makes two requests the same beside method, path and body. */
export interface MatchConfig {
  /** Fields of JSON bodies that do not count: names, or paths with dots, in which lists are passed through. */
  readonly ignoreFields: readonly string[]
  /** Names of headers, in lower case, that have to be equal too. */
  readonly headers: readonly string[]
  /** Whether `api-version` has to be equal; else an equal one is only preferred. */
  readonly apiVersion: boolean
  /** Whether the recorded host has to be that of the request's `host` header. */
  readonly host: boolean
  /** Whether what stands in the path before `/openai/` or `/v1/` does not count: a gateway's or a resource's prefix. */
  readonly anyPrefix: boolean
}

/** How recordings are replayed. */
export interface ReplayConfig {
  /**
   * Which answer a request gets that was recorded several times: each in its turn and then the last one for good, each
   * in its turn again and again, or one by chance (by the seed, where one is set).
   */
  readonly repeat: 'last' | 'cycle' | 'seed'
  /** Name, in lower case, of the header that names the test, for each of which turns are counted anew. */
  readonly testHeader: string
  /** Who answers a request that no recording answers. */
  readonly onMiss: 'error' | 'generate' | 'record'
  /** Whether recordings that were never used are listed at the end, and make the run fail. */
  readonly strict: boolean
}

/** The recordings that record writes and replay reads. */
export interface RecordingsConfig {
  /** The absolute path of the folder. */
  readonly dir: string
  /** Whether an interaction is written to its file at once. */
  readonly autosave: boolean
  /** Whether answers of 400 and above are stored, and streams with an error event. */
  readonly errors: boolean
  /** What is kept out beside credentials. */
  readonly redact: readonly RedactRule[]
  readonly match: MatchConfig
  readonly replay: ReplayConfig
}
