import type { Deployment } from '../config/deployments.ts'

const scaled = new WeakMap<Deployment, { readonly factor: number; readonly deployment: Deployment }>()

/**
 * A deployment as an incident limits it, at least to one token, request or unit. The same object is given while the
 * factor stays, so that its limiter is adapted once and what was used stays used.
 */
export function scaleLimits(deployment: Deployment, factor: number): Deployment {
  if (factor === 1) return deployment
  const known = scaled.get(deployment)
  if (known?.factor === factor) return known.deployment
  const { tokensPerMinute, requestsPerMinute, provisionedThroughputUnits } = deployment
  const scale = (limit: number): number => Math.max(1, Math.round(limit * factor))
  const made: Deployment = {
    ...deployment,
    ...(tokensPerMinute !== undefined && { tokensPerMinute: scale(tokensPerMinute) }),
    ...(requestsPerMinute !== undefined && { requestsPerMinute: scale(requestsPerMinute) }),
    ...(provisionedThroughputUnits !== undefined && {
      provisionedThroughputUnits: scale(provisionedThroughputUnits),
    }),
  }
  scaled.set(deployment, { factor, deployment: made })
  return made
}
