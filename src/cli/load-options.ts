import { randomUUID } from 'node:crypto'
import { defaultConnections, type LoadOperation, type LoadPlan } from '../load/load-plan.ts'
import type { WorkloadName } from '../load/workload-shapes.ts'
import { OperatorError } from '../lib/operator-error.ts'
import type { CliHost } from './cli-host.ts'
import { givenKey } from './given-key.ts'

/** The flags of `load`, each checked by itself already. */
export interface LoadOptions {
  readonly url: URL
  readonly apiKey?: string
  readonly allowHost?: string
  readonly deployment?: string
  readonly operation: LoadOperation
  readonly stream?: true
  readonly apiVersion: string
  readonly connections?: number
  readonly rate?: number
  readonly honorRetryAfter?: true
  /** Seconds. */
  readonly duration: number
  readonly warmup: number
  readonly workload?: WorkloadName
  readonly promptTokens?: number
  readonly maxTokens?: number
  readonly json?: true
}

/** Deployments that a simulator without a deployment file has, and many a real resource. */
const defaultDeployments: Readonly<Record<LoadOperation, string>> = {
  chat: 'gpt-4o',
  completions: 'gpt-35-turbo-instruct',
  embeddings: 'text-embedding-3-small',
  responses: 'gpt-4o',
}

/**
 * Makes a plan of the flags.
 *
 * @throws {OperatorError} CONFIG_INVALID when flags contradict each other, the host is another machine that was not
 * allowed by its name, or there is no key
 */
export function createLoadPlan(host: CliHost, options: LoadOptions): LoadPlan {
  const { url, operation, rate } = options
  refuseContradictions(options)
  refuseForeignHost(url, options.allowHost)
  const apiKey = options.apiKey ?? givenKey(host)
  if (apiKey === undefined) {
    throw invalid('there is no key. Set SIMULATOR_API_KEY, or --api-key, to the one of the endpoint.')
  }
  return {
    url,
    apiKey,
    deployment: options.deployment ?? defaultDeployments[operation],
    operation,
    isStream: options.stream === true,
    apiVersion: options.apiVersion,
    connections:
      options.connections ?? (rate === undefined ? defaultConnections.closed : defaultConnections.open),
    requestsPerSecond: rate,
    durationSeconds: options.duration,
    warmupSeconds: options.warmup,
    honoursRetryAfter: options.honorRetryAfter === true,
    workload: options.workload,
    promptTokens: options.promptTokens,
    maxTokens: options.maxTokens,
    promptSeed: randomUUID(),
  }
}

function refuseContradictions({ operation, stream, maxTokens, rate, honorRetryAfter }: LoadOptions): void {
  if (operation === 'embeddings' && stream) {
    throw invalid(
      'embeddings are never streamed (got --stream). Leave --stream out, or choose another --operation.',
    )
  }
  if (operation === 'embeddings' && maxTokens !== undefined) {
    throw invalid(
      'embeddings have no tokens in their answers (got --max-tokens). Use --prompt-tokens for their size.',
    )
  }
  if (rate !== undefined && honorRetryAfter) {
    throw invalid(
      '--rate sends at its times whatever is answered, and --honor-retry-after waits. Leave one of them out.',
    )
  }
}

/**
 * Load on a machine of others is an attack, and on a real service money. The name has to be written out, so that an address
 * that a script or the environment has changed is not taken for the one that was meant.
 */
function refuseForeignHost({ hostname }: URL, allowed: string | undefined): void {
  if (isLoopback(hostname) || hostname === allowed?.toLowerCase()) return
  throw invalid(
    `${hostname} is another machine${allowed === undefined ? '' : ` (got --allow-host ${allowed})`}. If it is yours to load, and you can bear what it bills, add --allow-host ${hostname}.`,
  )
}

function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(\.\d{1,3}){3}$/.test(hostname)
  )
}

function invalid(reason: string): OperatorError {
  return new OperatorError('CONFIG_INVALID', `Could not send load: ${reason}`)
}
