import type { ResourceConfig } from '../config/config.ts'
import { hasLimits } from '../config/deployment-limits.ts'
import { hasDefaultLimits, type Deployment } from '../config/deployments.ts'
import { sourceOf, sourceTraits } from '../config/source-names.ts'
import type { Exchange } from './exchange.ts'

// Which stages apply to a request, by its source. The chain of stages is the same for all sources.

/** Returns whether unknown paths, api-versions and deployments are rejected before the source handles the request. */
export function checksRequests({ source }: Pick<Exchange, 'source'>): boolean {
  return sourceTraits[source].checksRequests
}

/**
 * Returns the name of the deployment that answers, for metrics, journal and logs. A replayed, recorded or forwarded request can name
 * one that is not configured. Undefined before the key was accepted, because a caller without a key can send any name.
 */
export function deploymentOf(exchange: Exchange): string | undefined {
  const { deployment, caller } = exchange
  if (deployment) return deployment.name
  return caller !== undefined && !checksRequests(exchange) ? exchange.deploymentName : undefined
}

/** Returns whether versions are checked. They are not if API_VERSION_CHECK is off, or if the answer is recorded or forwarded. */
export function checksVersions(exchange: Exchange): boolean {
  return exchange.config.apiVersionCheck && checksRequests(exchange)
}

/** Returns whether limits, faults and latency apply to all requests. Otherwise only those of the deployment apply. */
export function isSimulated({ source }: Pick<Exchange, 'source'>): boolean {
  return sourceTraits[source].isSimulated
}

/** Returns whether limits apply. To forwarded requests, only configured limits of the deployment apply, not default ones. */
export function limitsAct({ source, deployment, config }: Exchange): boolean {
  return sourceTraits[source].isSimulated || hasOwnLimits(deployment, config)
}

/** Returns whether faults and incidents can apply. To forwarded requests, only those for their deployment apply. */
export function faultsAct(exchange: Exchange): boolean {
  return isSimulated(exchange) || exchange.deployment !== undefined
}

/** Returns whether latency applies. To forwarded requests, only that of the deployment applies. */
export function latencyActs(exchange: Exchange): boolean {
  return isSimulated(exchange) || exchange.deployment?.latency !== undefined
}

/** Returns whether requests to a deployment are limited. */
export function isLimited(deployment: Deployment, config: ResourceConfig): boolean {
  return sourceTraits[sourceOf(deployment, config)].isSimulated || hasOwnLimits(deployment, config)
}

function hasOwnLimits(
  deployment: Deployment | undefined,
  { deploymentsAreDefault }: Pick<ResourceConfig, 'deploymentsAreDefault'>,
): boolean {
  if (!deployment || (deploymentsAreDefault && hasDefaultLimits(deployment))) return false
  return hasLimits(deployment)
}
