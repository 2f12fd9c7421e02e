import type { ResourceConfig } from '../config/config.ts'
import { hasDefaultLimits, type Deployment } from '../config/deployments.ts'
import { sourceOf, sourceTraits } from '../config/source-names.ts'
import type { Exchange } from './exchange.ts'

// What acts on a request, by its source. There is one chain for all sources; this is all that is different between them.

/** Whether paths, api-versions and deployments that the service does not have are refused; else the source decides. */
export function checksRequests({ source }: Pick<Exchange, 'source'>): boolean {
  return sourceTraits[source].checksRequests
}

/**
 * Whether versions are checked: API_VERSION_CHECK may be off, and what is recorded or forwarded is answered with its version,
 * whatever it is.
 */
export function checksVersions(exchange: Exchange): boolean {
  return exchange.config.apiVersionCheck && checksRequests(exchange)
}

/** Whether limits, faults and latency act whoever asks for them; else only what the deployment asks for acts. */
export function isSimulated({ source }: Pick<Exchange, 'source'>): boolean {
  return sourceTraits[source].isSimulated
}

/** Whether limits act: for a forwarded request those that are written at its deployment, and not those of the default set. */
export function limitsAct({ source, deployment, config }: Exchange): boolean {
  return sourceTraits[source].isSimulated || hasOwnLimits(deployment, config)
}

/** Whether faults and incidents can act: on a forwarded request those that name its deployment. */
export function faultsAct(exchange: Exchange): boolean {
  return isSimulated(exchange) || exchange.deployment !== undefined
}

/** Whether latency acts: on a forwarded request that which is written at its deployment. */
export function latencyActs(exchange: Exchange): boolean {
  return isSimulated(exchange) || exchange.deployment?.latency !== undefined
}

/** Whether requests to a deployment are limited. */
export function isLimited(deployment: Deployment, config: ResourceConfig): boolean {
  return sourceTraits[sourceOf(deployment, config)].isSimulated || hasOwnLimits(deployment, config)
}

function hasOwnLimits(
  deployment: Deployment | undefined,
  { deploymentsAreDefault }: Pick<ResourceConfig, 'deploymentsAreDefault'>,
): boolean {
  if (!deployment || (deploymentsAreDefault && hasDefaultLimits(deployment))) return false
  const { tokensPerMinute, requestsPerMinute, provisionedThroughputUnits } = deployment
  return (tokensPerMinute ?? requestsPerMinute ?? provisionedThroughputUnits) !== undefined
}
