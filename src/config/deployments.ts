import type { Model } from '../wire/models/models.ts'
import type { FaultRule } from './fault-rules.ts'
import type { DeploymentLatency } from './deployment-latency.ts'
import type { Given } from './mapping-file.ts'
import type { DeploymentEntry } from './resolve-deployment.ts'
import type { UpstreamDeployment } from './upstream-deployment.ts'

/** The keys that a deployment has unchanged from its entry in the deployment file. */
type SameInEntry = Given<
  Omit<DeploymentEntry, 'model' | 'latency' | 'faults' | 'upstream' | 'form' | 'drop' | 'normalize'>
>

/** A deployment: a model with a name and limits. */
export interface Deployment extends SameInEntry {
  readonly name: string
  /** The model of the entry, or the nearest known one. */
  readonly model: Model
  /** Where its requests are forwarded to; absent: the upstream of the resource, under the name in the request. */
  readonly to?: UpstreamDeployment
  /** Absent: the latency settings apply. */
  readonly latency?: DeploymentLatency
  /** Faults of this deployment. They have priority over those for all deployments. */
  readonly faults?: readonly FaultRule[]
}

/** Versions of the rate limiter of the service, named by the month in which they were observed. */
export const limitProfileNames = ['2024-02', '2024-10', '2025-08', '2026-03', '2026-08', '2026-09'] as const

/** Tiers of a deployment (`service_tier` of the control plane). */
export const deploymentTiers = ['default', 'priority'] as const

/** Version of the rate limiter. */
export type LimitProfileName = (typeof limitProfileNames)[number]

/**
 * Returns whether streamed Responses requests that exceed a limit fail in the stream, with status 200, and not with a 429. First
 * reported in July 2026.
 */
export function responsesFailInStream(profile: LimitProfileName): boolean {
  return profile >= '2026-07'
}

/** Requests per minute for each 1,000 tokens per minute, for models without a ratio. It is the ratio of the older chat models. */
const DEFAULT_REQUESTS_PER_THOUSAND_TOKENS = 6

/** Derives requests per minute from tokens per minute by the ratio of the model (Microsoft Learn, quotas and limits), rounded up. */
export function derivedRequestsPerMinute(tokensPerMinute: number, model: Model): number {
  const ratio = model.requestsPerThousandTokens ?? DEFAULT_REQUESTS_PER_THOUSAND_TOKENS
  return Math.ceil((tokensPerMinute * ratio) / 1_000)
}

/**
 * The deployments without a deployment file, in the form of that file. The first five have the default quota of a pay-as-you-go
 * subscription for Global Standard (Microsoft Learn, quotas and limits: gpt-4o and gpt-4o-mini 2025-08, embeddings 2026-08). For
 * gpt-5-mini the ratio of one request to 1,000 tokens is from there, and the million is that of gpt-5-chat. The others are those
 * of the Python simulator with its limits (whisper: Microsoft Learn, 3 requests per minute by default).
 */
export const defaultDeployments = {
  'gpt-4o': { model: 'gpt-4o', tokensPerMinute: 450_000, requestsPerMinute: 2_700 },
  'gpt-4o-mini': { model: 'gpt-4o-mini', tokensPerMinute: 2_000_000, requestsPerMinute: 12_000 },
  'gpt-5-mini': { model: 'gpt-5-mini', tokensPerMinute: 1_000_000, requestsPerMinute: 1_000 },
  'text-embedding-3-small': {
    model: 'text-embedding-3-small',
    tokensPerMinute: 1_000_000,
    requestsPerMinute: 6_000,
  },
  'text-embedding-3-large': {
    model: 'text-embedding-3-large',
    tokensPerMinute: 1_000_000,
    requestsPerMinute: 6_000,
  },
  embedding: { model: 'text-embedding-ada-002', tokensPerMinute: 20_000 },
  'gpt-35-turbo-1k-token': { model: 'gpt-35-turbo', tokensPerMinute: 1_000 },
  'gpt-35-turbo-2k-token': { model: 'gpt-35-turbo', tokensPerMinute: 2_000 },
  'gpt-35-turbo-5k-token': { model: 'gpt-35-turbo', tokensPerMinute: 5_000 },
  'gpt-35-turbo-10k-token': { model: 'gpt-35-turbo', tokensPerMinute: 10_000 },
  'gpt-35-turbo-20k-token': { model: 'gpt-35-turbo', tokensPerMinute: 20_000 },
  'gpt-35-turbo-50k-token': { model: 'gpt-35-turbo', tokensPerMinute: 50_000 },
  'gpt-35-turbo-100k-token': { model: 'gpt-35-turbo', tokensPerMinute: 100_000 },
  'gpt-35-turbo-100m-token': { model: 'gpt-35-turbo', tokensPerMinute: 100_000_000 },
  whisper: { model: 'whisper', requestsPerMinute: 3 },
} as const satisfies Readonly<Record<string, DefaultEntry>>

interface DefaultEntry {
  readonly model: string
  readonly tokensPerMinute?: number
  readonly requestsPerMinute?: number
}

/** Returns whether a deployment has the limits of the default deployment with the same name. */
export function hasDefaultLimits(deployment: Deployment): boolean {
  const { name, tokensPerMinute, requestsPerMinute } = deployment
  const entries: Readonly<Record<string, DefaultEntry>> = defaultDeployments
  if (!Object.hasOwn(entries, name)) return false
  const entry = entries[name]
  return entry?.tokensPerMinute === tokensPerMinute && entry?.requestsPerMinute === requestsPerMinute
}
