import type { Deployment } from './deployments.ts'

/**
 * The deployments that exist without a deployment file, in the form of that file. The first five follow the
 * first quota of a pay-as-you-go subscription for Global Standard (Microsoft Learn, quotas and limits: gpt-4o and
 * gpt-4o-mini 2025-08, embeddings 2026-08). For gpt-5-mini the ratio of one request to 1,000 tokens is from there, the
 * million is the one of gpt-5-chat. The others are those of the Python simulator, with its limits (whisper: Microsoft
 * Learn, 3 requests a minute by default).
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

/** Whether a deployment has the limits that the default set gives to its name. */
export function hasDefaultLimits(deployment: Deployment): boolean {
  const { name, tokensPerMinute, requestsPerMinute } = deployment
  const entries: Readonly<Record<string, DefaultEntry>> = defaultDeployments
  if (!Object.hasOwn(entries, name)) return false
  const entry = entries[name]
  return entry?.tokensPerMinute === tokensPerMinute && entry?.requestsPerMinute === requestsPerMinute
}
