import type { WorkloadName } from './workload-shapes.ts'

/** What can be asked for. */
export const loadOperations = ['chat', 'completions', 'embeddings', 'responses'] as const

/** One of `loadOperations`. */
export type LoadOperation = (typeof loadOperations)[number]

/** Bounds of a plan; the command line refuses what is outside. A run can therefore never go on for ever. */
export const planLimits = {
  durationSeconds: { least: 0.1, most: 3_600 },
  warmupSeconds: { least: 0, most: 300 },
  connections: { least: 1, most: 10_000 },
  requestsPerSecond: { least: 0.1, most: 100_000 },
  /** The largest context window of the catalogue's models, rounded up. */
  tokens: { least: 1, most: 1_100_000 },
} as const

/** One run of load: what is sent where, how much of it, and for how long. */
export interface LoadPlan {
  /** Scheme, host and perhaps a prefix of the path, as of a gateway. */
  readonly url: URL
  readonly apiKey: string
  readonly deployment: string
  readonly operation: LoadOperation
  /** Whether answers are streamed. Never with embeddings. */
  readonly isStream: boolean
  /** A dated version, for paths with the deployment in them, or `v1`. Responses always take the v1 path. */
  readonly apiVersion: string
  /** The most requests at a time. */
  readonly connections: number
  /** Undefined: closed loop, each connection sends when its last answer is there. */
  readonly requestsPerSecond: number | undefined
  readonly durationSeconds: number
  /** Before the duration; what is sent in it is not counted. */
  readonly warmupSeconds: number
  /** Whether a connection rests after a 429 for as long as it was told. Closed loop only. */
  readonly honoursRetryAfter: boolean
  readonly workload: WorkloadName | undefined
  /** In place of the workload's. */
  readonly promptTokens: number | undefined
  readonly maxTokens: number | undefined
  /** What makes the texts of this run others than those of the last one. Their sizes are the same in each run. */
  readonly promptSeed: string
}

/** How long requests that are under way at the end of the duration may go on, in seconds. */
export const drainSeconds = 30

/** Tokens of a prompt and of an answer without a workload and without a number. */
export const defaultSize = { promptTokens: 100, outputTokens: 100 } as const

/** Requests at a time without a number: closed loop, and the most in an open loop. */
export const defaultConnections = { closed: 10, open: 100 } as const
