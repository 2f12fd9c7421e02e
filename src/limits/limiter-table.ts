import type { LimitProfileName } from '../config/deployment-limits.ts'
import type { Deployment } from '../config/deployments.ts'
import type { Utilization } from '../pipeline/occupancy.ts'
import { RecentMap } from '../platform/recent-map.ts'
import { DeploymentLimiter } from './deployment-limiter.ts'
import { limitPlanOf } from './limit-plan.ts'
import { limitProfile } from './limit-profile.ts'
import type { Limiter } from './limiter.ts'
import { ProvisionedLimiter } from './provisioned-limiter.ts'

/** How many deployments keep their usage for certain: 10 KB each, and up to twice as many are held. */
const rememberedDeployments = 16_384

interface Tracked {
  limiter: DeploymentLimiter | ProvisionedLimiter | undefined
  /** Whose limits the limiter has; a changed configuration brings another object of the same name. */
  deployment: Deployment | undefined
  profileName: LimitProfileName
}

/** The limiters of all deployments. Deployments without limits have none, and cost nothing. */
export class LimiterTable {
  readonly #tracked = new RecentMap<string, Tracked>(rememberedDeployments)
  /** Only deployments of the file are provisioned, so the file bounds the table. */
  readonly #provisioned = new Map<string, ProvisionedLimiter>()

  /** The limiter of a deployment, with its present limits; undefined when it has none. */
  limiterOf(
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
      if (tracked.limiter instanceof ProvisionedLimiter)
        this.#provisioned.set(deployment.name, tracked.limiter)
      else this.#provisioned.delete(deployment.name)
    }
    return tracked.limiter
  }

  /** The provisioned deployments that had a request, and how much of their throughput is in use. */
  *utilizations(nowMs: number): Generator<Utilization> {
    for (const [deployment, limiter] of this.#provisioned) {
      yield { deployment, share: limiter.utilization(nowMs) }
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
  const units = deployment.provisionedThroughputUnits
  const throughput = deployment.model.provisioned
  if (units !== undefined && throughput) {
    const plan = { units, ...throughput }
    if (!(limiter instanceof ProvisionedLimiter)) return new ProvisionedLimiter(plan)
    limiter.adapt(plan, nowMs)
    return limiter
  }
  const plan = limitPlanOf(deployment)
  if (!plan) return undefined
  const profile = limitProfile(profileName)
  if (!(limiter instanceof DeploymentLimiter)) return new DeploymentLimiter(plan, profile)
  limiter.adapt(plan, profile)
  return limiter
}
