import type { Deployment } from '../config/deployments.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import {
  type RequestedTier,
  type ServedTier,
  tierHeader,
  tierNamed,
  tierOfHeader,
} from '../wire/service-tier.ts'
import { modelError, type ServiceError } from '../wire/errors.ts'

/**
 * Chooses the tier that processes a request, or refuses it. The header has precedence over the body, and the body over the deployment.
 * Sources: Microsoft Learn, "Priority processing" and "Flex processing" (September and October 2026).
 *
 * - Flex is refused if the model or the deployment does not support it.
 * - Priority falls back to the standard tier: on other models (measured in September 2026, without an error), on provisioned
 *   deployments, for long prompts of some models, and with the fault `tierDowngrade`. Only the header is refused there.
 *
 * @param requested `service_tier` of the request
 */
export function chooseTier(
  { headers, forced }: Exchange,
  deployment: Deployment,
  requested: string | null | undefined,
  promptTokens: number,
): ServedTier | ServiceError {
  const header = headers[tierHeader]
  const asked = header === undefined ? (tierNamed(requested ?? 'auto') ?? 'auto') : tierOfHeader(header)
  if (asked === undefined) return invalidTier(header)
  const tier = asked === 'auto' ? (deployment.serviceTier ?? 'default') : asked
  if (tier === 'default') return tier
  const { capabilities } = deployment.model
  const isSupported = supportsTier(deployment, tier, asked)
  if (tier === 'flex') return isSupported ? tier : unsupportedTier(tier, header)
  if (!isSupported) return header === undefined ? 'default' : unsupportedTier(tier, header)
  const isDowngraded = forced?.downgraded === true || promptTokens > capabilities.maxPriorityTokens
  return isDowngraded ? 'default' : tier
}

/** A deployment with the tier supports it for all models, such as those of a later catalogue. */
function supportsTier(deployment: Deployment, tier: ServedTier, asked: RequestedTier): boolean {
  if (deployment.provisionedThroughputUnits !== undefined) return false
  const { serviceTiers } = deployment.model.capabilities
  return serviceTiers.includes(tier) || (tier === deployment.serviceTier && asked !== 'flex')
}

/** The text is that of `service_tier` in the body (measured on gpt-5.6-terra). It is not captured for the header. */
function invalidTier(value: unknown): ServiceError {
  const message = `Invalid value: '${String(value)}'. Supported values are: 'auto', 'default', 'flex', and 'priority'.`
  return modelError(message, tierHeader, 'invalid_value')
}

/** The text is that of public reports (openai/codex#15099, March 2026). Azure documents a 400 `invalid_request_error`. */
function unsupportedTier(tier: ServedTier, header: unknown): ServiceError {
  return modelError(
    `Unsupported service_tier: ${tier}`,
    header === undefined ? 'service_tier' : tierHeader,
    null,
  )
}
