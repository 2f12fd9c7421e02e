import { modelError, type ServiceError } from './errors.ts'

/** Tiers that process requests, as answers name them. */
export const servedTiers = ['default', 'priority', 'flex'] as const

/** Tier that processed a request. */
export type ServedTier = (typeof servedTiers)[number]

/** Tiers that requests ask for, as in metrics and fault rules. `auto` is the tier of the deployment. */
export const requestedTiers = ['auto', ...servedTiers] as const

/** Tier that a request asks for. */
export type RequestedTier = (typeof requestedTiers)[number]

/** Tiers of a request. */
export interface ServiceTiers {
  readonly requested: RequestedTier
  /** Absent for errors, and for answers of other sources than generate. */
  readonly served?: ServedTier | undefined
}

/** Selects the tier before the body does (Microsoft Learn, "Flex processing"). */
export const tierHeader = 'x-ms-service-tier'

/** Returns the tier of the header. Its `auto` is Priority; undefined for a value that the service does not have. */
export function tierOfHeader(value: unknown): ServedTier | undefined {
  return value === 'auto' ? 'priority' : servedTiers.find((tier) => tier === value)
}

/** Returns the tier of `service_tier`. `fast` is another name of `priority`. */
export function tierNamed(value: unknown): RequestedTier | undefined {
  return value === 'fast' ? 'priority' : requestedTiers.find((tier) => tier === value)
}

/**
 * 429: the flex tier has no capacity. Such a request is not billed. Microsoft and OpenAI document "429 Resource Unavailable"; the body is
 * not captured.
 */
export function flexUnavailable(): ServiceError {
  const message = 'Resource unavailable: Flex capacity is temporarily unavailable. Please try again later.'
  return { ...modelError(message, null, 'resource_unavailable'), status: 429, type: 'resource_unavailable' }
}
