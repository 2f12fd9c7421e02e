import type { Model } from '../wire/models/models.ts'

/** Names of the eras of the service's limiter, by the month of the captures that show them. */
export const limitProfileNames = ['2024-02', '2024-10', '2025-08', '2026-03', '2026-08'] as const

/** The name of an era of the limiter. */
export type LimitProfileName = (typeof limitProfileNames)[number]

/** Requests a minute for each 1,000 tokens a minute, of the older chat models; the default where a model tells none. */
const DEFAULT_REQUESTS_PER_THOUSAND_TOKENS = 6

/**
 * The requests a minute that follow from the tokens a minute by the model's ratio (Microsoft Learn, quotas and limits),
 * rounded up.
 */
export function derivedRequestsPerMinute(tokensPerMinute: number, model: Model): number {
  const ratio = model.requestsPerThousandTokens ?? DEFAULT_REQUESTS_PER_THOUSAND_TOKENS
  return Math.ceil((tokensPerMinute * ratio) / 1_000)
}
