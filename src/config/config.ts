import type { Deployment } from './deployments.ts'

/** A normal distribution of waiting times, in milliseconds per unit of work; both numbers are >= 0 and finite. */
export interface Latency {
  readonly meanMs: number
  readonly stdDevMs: number
}

/** Waiting times of an operation that writes tokens. */
export interface TokenLatency {
  /** Time for each token of the completion. */
  readonly perToken: Latency
  /** Time before the first token, once a request. */
  readonly firstToken: Latency
}

/** Where answers come from. */
export type Mode = { readonly kind: 'generate' } | { readonly kind: 'record' } | { readonly kind: 'replay' }

/** The least severity that is logged. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** The whole configuration of a simulator, checked and deeply frozen. Made by `loadConfig`. */
export interface Config {
  readonly mode: Mode
  /** The key that callers must send; secret. */
  readonly apiKey: string
  /** True when nobody set a key, so that it has to be shown to whoever started the simulator. */
  readonly apiKeyGenerated: boolean
  /** Makes answers and waiting times repeatable; undefined means new ones at each start. */
  readonly seed: string | undefined
  /** Display name of the region in headers and messages: `East US 2`. */
  readonly region: string
  readonly host: string
  /** 0 lets the operating system pick a free port. */
  readonly port: number
  /** Largest request body, in MB of 1,048,576 bytes. */
  readonly bodyLimitMb: number
  /** How long open requests may go on after the signal to stop. */
  readonly shutdownGraceSeconds: number
  readonly logLevel: LogLevel
  /** By deployment name, as written in the deployment file. */
  readonly deployments: ReadonlyMap<string, Deployment>
  /** Whether a request to a deployment that is not in `deployments` is answered. */
  readonly allowUndefinedDeployments: boolean
  /** `exact` writes as many tokens as the request allows; `natural` may stop before. */
  readonly completionLength: 'exact' | 'natural'
  /** Whether an `api-version` that the service does not know is refused. */
  readonly apiVersionCheck: boolean
  readonly latency: {
    /** Every waiting time is multiplied by this; 0 switches all of them off. */
    readonly timeScale: number
    readonly chatCompletions: TokenLatency
    readonly completions: TokenLatency
    /** Per request. */
    readonly embeddings: Latency
    /** Per MB (1,048,576 bytes) of audio. */
    readonly translations: Latency
  }
}
