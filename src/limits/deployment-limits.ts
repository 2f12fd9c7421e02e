import type { LimitProfileName } from '../config/deployment-limits.ts'
import type { Deployment } from '../config/deployments.ts'
import { RecentMap } from '../lib/caches.ts'
import { type LimitPlan, limitPlanOf, scaleLimits } from './limit-plan.ts'
import { type ProvisionedPlan, provisionedPlanOf } from './provisioned-limiter.ts'

/** The limits of a deployment at a moment, as plain data. */
export type DeploymentLimits =
  | { readonly kind: 'pay-as-you-go'; readonly plan: LimitPlan; readonly profileName: LimitProfileName }
  | { readonly kind: 'provisioned'; readonly plan: ProvisionedPlan }

const known = new WeakMap<
  Deployment,
  { readonly profileName: LimitProfileName; readonly limits: DeploymentLimits | undefined }
>()

/**
 * The limits of a deployment; undefined where it has none. The same object as long as they stay the same.
 *
 * @param factor what an incident multiplies them by; 1 changes nothing
 */
export function limitsOf(
  deployment: Deployment,
  profileName: LimitProfileName,
  factor: number,
): DeploymentLimits | undefined {
  if (!isLimited(deployment)) return undefined
  const limited = scaleLimits(deployment, factor)
  const found = known.get(limited)
  if (found?.profileName === profileName) return found.limits
  const limits = makeLimits(limited, profileName)
  known.set(limited, { profileName, limits })
  return limits
}

function isLimited(deployment: Deployment): boolean {
  const { tokensPerMinute, requestsPerMinute, provisionedThroughputUnits } = deployment
  return (
    tokensPerMinute !== undefined ||
    requestsPerMinute !== undefined ||
    provisionedThroughputUnits !== undefined
  )
}

function makeLimits(deployment: Deployment, profileName: LimitProfileName): DeploymentLimits | undefined {
  const provisioned = provisionedPlanOf(deployment)
  if (provisioned) return { kind: 'provisioned', plan: provisioned }
  const plan = limitPlanOf(deployment)
  return plan && { kind: 'pay-as-you-go', plan, profileName }
}

const MAX_CACHED_TEXTS = 16_384
const texts = new WeakMap<DeploymentLimits, string>()
const byText = new RecentMap<string, DeploymentLimits>(MAX_CACHED_TEXTS)

/** The limits as a text for another process, made once for each object. */
export function limitsToText(limits: DeploymentLimits): string {
  let text = texts.get(limits)
  if (text === undefined) texts.set(limits, (text = JSON.stringify(limits)))
  return text
}

/** The limits of such a text: the same object for the same text. */
export function limitsFromText(text: string): DeploymentLimits {
  let limits = byText.get(text)
  if (!limits) {
    // JSON has no infinity, which only tokens can be.
    const read = (key: string, value: unknown): unknown =>
      key === 'tokens' && value === null ? Infinity : value
    limits = JSON.parse(text, read) as DeploymentLimits
    byText.set(text, limits)
  }
  return limits
}
