import type { WorkloadName } from './workload-shapes.ts'

/** The operations that the command can load. */
export const loadOperations = ['chat', 'completions', 'embeddings', 'responses'] as const

/** One of `loadOperations`. */
export type LoadOperation = (typeof loadOperations)[number]

/** Limits of a plan, which the command line enforces. They also limit the duration of a run. */
export const PLAN_LIMITS = {
  durationSeconds: { min: 0.1, max: 3_600 },
  warmupSeconds: { min: 0, max: 300 },
  connections: { min: 1, max: 10_000 },
  requestsPerSecond: { min: 0.1, max: 100_000 },
  /** The largest context window of all models in the catalogue, rounded up. */
  tokens: { min: 1, max: 1_100_000 },
} as const

/** A run: target, load and duration. */
export interface LoadPlan {
  /** Scheme, host and an optional path prefix, for example of a gateway. */
  readonly url: URL
  readonly apiKey: string
  /** Key of the admin API if the target is a simulator. Default: `apiKey`. */
  readonly adminKey?: string | undefined
  readonly deployment: string
  readonly operation: LoadOperation
  /** Whether to request streams. False for embeddings. */
  readonly isStream: boolean
  /** A dated version, for paths that contain the deployment, or `v1`. Responses always use the v1 path. */
  readonly apiVersion: string
  /** Maximum number of concurrent requests. */
  readonly connections: number
  /** Rate of an open loop. Undefined for a closed loop, in which each connection sends again after its last answer. */
  readonly requestsPerSecond: number | undefined
  readonly durationSeconds: number
  /** Precedes the duration. Its requests are not counted. */
  readonly warmupSeconds: number
  /** Whether a connection waits after a 429 as long as `retry-after` says. Closed loop only. */
  readonly honoursRetryAfter: boolean
  readonly workload: WorkloadName | undefined
  /** Overrides the size of the workload. */
  readonly promptTokens: number | undefined
  /** Overrides the size of the workload. */
  readonly maxTokens: number | undefined
  /** Seed of the prompt texts. Their sizes are the same in each run. */
  readonly promptSeed: string
}

/** How long the run waits for pending requests after the duration, in seconds. */
export const DRAIN_SECONDS = 30

/** Tokens of a prompt and of an answer, unless a workload or a number is given. */
export const DEFAULT_SIZE = { promptTokens: 100, outputTokens: 100 } as const

/** Connections of a closed and of an open loop, unless a number is given. */
export const DEFAULT_CONNECTIONS = { closed: 10, open: 100 } as const
