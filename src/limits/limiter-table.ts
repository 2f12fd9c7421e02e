import type { LimitProfileName } from '../config/deployment-limits.ts'
import type { Deployment } from '../config/deployments.ts'
import type { AnyStanding, Decision, LimitAuthority, LimitQuestion } from './limit-authority.ts'
import type { Utilization } from './occupancy.ts'
import { RecentMap } from '../lib/recent-map.ts'
import { DeploymentLimiter } from './deployment-limiter.ts'
import { limitPlanOf } from './limit-plan.ts'
import { limitProfile } from './limit-profile.ts'
import type { Limiter } from './limiter.ts'
import { ProvisionedLimiter, provisionedPlanOf } from './provisioned-limiter.ts'
import { scaleLimits } from './scale-limits.ts'

/** How many deployments keep their usage for certain: 10 KB each, and up to twice as many are held. */
const rememberedDeployments = 16_384

const anyProfile = limitProfile('2026-08')

interface Tracked {
  limiter: DeploymentLimiter | ProvisionedLimiter | undefined
  /** Whose limits the limiter has; a changed configuration brings another object of the same name. */
  deployment: Deployment | undefined
  profileName: LimitProfileName
}

interface Provisioned {
  readonly resource: string
  readonly deployment: string
  readonly limiter: ProvisionedLimiter
}

/** The limiters of all deployments. Deployments without limits have none, and cost nothing. */
export class LimiterTable implements LimitAuthority {
  readonly #tracked = new RecentMap<string, Tracked>(rememberedDeployments)
  /** Only deployments of the file are provisioned, so the file bounds the table. */
  readonly #provisioned = new Map<string, Provisioned>()

  decide(
    { resource, deployment, profileName, limitFactor, cost }: LimitQuestion,
    nowMs: number,
  ): Decision | undefined {
    const limited = scaleLimits(deployment, limitFactor)
    return this.#limiterOf(resource, limited, profileName, nowMs)?.decide(nowMs, cost)
  }

  /** The limiter of a deployment, with its present limits; undefined when it has none. */
  #limiterOf(
    resource: string,
    deployment: Deployment,
    profileName: LimitProfileName,
    nowMs: number,
  ): Limiter | undefined {
    if (!isLimited(deployment)) return undefined
    const key = `${resource}/${deployment.name}`
    let tracked = this.#tracked.get(key)
    if (!tracked) {
      tracked = { limiter: undefined, deployment: undefined, profileName }
      this.#tracked.set(key, tracked)
    }
    if (tracked.deployment !== deployment || tracked.profileName !== profileName) {
      tracked.limiter = adapted(tracked.limiter, deployment, profileName, nowMs)
      tracked.deployment = deployment
      tracked.profileName = profileName
      const { limiter } = tracked
      if (limiter instanceof ProvisionedLimiter)
        this.#provisioned.set(key, { resource, deployment: deployment.name, limiter })
      else this.#provisioned.delete(key)
    }
    return tracked.limiter
  }

  standingOf(
    { resource, deployment: asked, limitFactor }: Omit<LimitQuestion, 'cost'>,
    nowMs: number,
  ): AnyStanding | undefined {
    const deployment = scaleLimits(asked, limitFactor)
    const limiter = this.#tracked.get(`${resource}/${deployment.name}`)?.limiter
    const units = provisionedPlanOf(deployment)
    if (units) {
      const known = limiter instanceof ProvisionedLimiter ? limiter : new ProvisionedLimiter(units)
      return known.standing(nowMs, units)
    }
    const plan = limitPlanOf(deployment)
    if (!plan) return undefined
    // The profile changes what headers tell, not what is used.
    const known = limiter instanceof DeploymentLimiter ? limiter : new DeploymentLimiter(plan, anyProfile)
    return known.standing(nowMs, plan)
  }

  clear(): void {
    this.#tracked.clear()
    this.#provisioned.clear()
  }

  *utilizations(nowMs: number): Generator<Utilization> {
    for (const { resource, deployment, limiter } of this.#provisioned.values()) {
      yield { resource, deployment, share: limiter.utilization(nowMs) }
    }
  }
}

function isLimited(deployment: Deployment): boolean {
  const { tokensPerMinute, requestsPerMinute, provisionedThroughputUnits } = deployment
  return (
    tokensPerMinute !== undefined ||
    requestsPerMinute !== undefined ||
    provisionedThroughputUnits !== undefined
  )
}

/** Gives a limiter the limits of its deployment, or makes a new one where it was of the other kind. */
function adapted(
  limiter: Tracked['limiter'],
  deployment: Deployment,
  profileName: LimitProfileName,
  nowMs: number,
): Tracked['limiter'] {
  const units = provisionedPlanOf(deployment)
  if (units) {
    if (!(limiter instanceof ProvisionedLimiter)) return new ProvisionedLimiter(units)
    limiter.adapt(units, nowMs)
    return limiter
  }
  const plan = limitPlanOf(deployment)
  if (!plan) return undefined
  const profile = limitProfile(profileName)
  if (!(limiter instanceof DeploymentLimiter)) return new DeploymentLimiter(plan, profile)
  limiter.adapt(plan, profile)
  return limiter
}
