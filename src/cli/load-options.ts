import { randomUUID } from 'node:crypto'
import { DEFAULT_CONNECTIONS, type LoadOperation, type LoadPlan } from '../load/load-plan.ts'
import type { WorkloadName } from '../load/workload-shapes.ts'
import { OperatorError } from '../lib/operator-error.ts'
import { type CliHost, configuredKey } from './cli-host.ts'

/** The flags of `load`. Each one is valid on its own. */
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

/** Deployments of a simulator without a deployment file. */
const defaultDeployments: Readonly<Record<LoadOperation, string>> = {
  chat: 'gpt-4o',
  completions: 'gpt-35-turbo-instruct',
  embeddings: 'text-embedding-3-small',
  responses: 'gpt-4o',
}

/**
 * Makes a plan from the flags.
 *
 * @throws {OperatorError} CONFIG_INVALID if flags contradict each other, the host is another machine and not allowed, or there is
 * no key
 */
export function createLoadPlan(host: CliHost, options: LoadOptions): LoadPlan {
  const { url, operation, rate } = options
  validateCombination(options)
  validateHost(url, options.allowHost)
  const apiKey = options.apiKey ?? configuredKey(host)
  if (apiKey === undefined) {
    throw invalid('there is no API key. Set SIMULATOR_API_KEY or --api-key to the key of the endpoint.')
  }
  return {
    url,
    apiKey,
    // Other machines get only the key that is meant for them.
    adminKey: isLoopback(url.hostname)
      ? (configuredKey(host, 'ADMIN_API_KEY') ?? configuredKey(host))
      : undefined,
    deployment: options.deployment ?? defaultDeployments[operation],
    operation,
    isStream: options.stream === true,
    apiVersion: options.apiVersion,
    connections:
      options.connections ?? (rate === undefined ? DEFAULT_CONNECTIONS.closed : DEFAULT_CONNECTIONS.open),
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

function validateCombination({ operation, stream, maxTokens, rate, honorRetryAfter }: LoadOptions): void {
  if (operation === 'embeddings' && stream) {
    throw invalid(
      'embeddings cannot be streamed (got --stream). Remove --stream, or choose another --operation.',
    )
  }
  if (operation === 'embeddings' && maxTokens !== undefined) {
    throw invalid('embeddings have no output tokens (got --max-tokens). Use --prompt-tokens instead.')
  }
  if (rate !== undefined && honorRetryAfter) {
    throw invalid('--rate does not wait for answers, but --honor-retry-after does. Remove one of them.')
  }
}

/**
 * Load on a foreign machine is an attack, and a real service bills each token. The host must be named twice, so that an address from a
 * script or a variable is not loaded by mistake.
 */
function validateHost({ hostname }: URL, allowed: string | undefined): void {
  if (isLoopback(hostname) || hostname === allowed?.toLowerCase()) return
  throw invalid(
    `${hostname} is another machine${allowed === undefined ? '' : ` (got --allow-host ${allowed})`}. If you may load it and accept the cost, add --allow-host ${hostname}.`,
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
