import type { Usage } from '../answer/completion.ts'
import type { Clock } from '../lib/clock.ts'
import { RecentMap } from '../lib/caches.ts'
import { DeploymentLimiter, type WindowCharge } from './deployment-limiter.ts'
import { type DeploymentLimits, limitProfile } from './limit-plan.ts'
import type { Utilization } from './occupancy.ts'
import { type BucketCharge, ProvisionedLimiter } from './provisioned-limiter.ts'
import type { LimitStatus, LimitRequest, LimitResult, LimitSubject, RateLimiter } from './rate-limiter.ts'

/** Deployments that keep their usage (10 KB each). Up to twice as many are cached. */
const MAX_CACHED_DEPLOYMENTS = 16_384

interface Tracked {
  readonly resource: string
  limiter: DeploymentLimiter | ProvisionedLimiter
  /** The limits of the limiter. Changed limits are another object. */
  limits: DeploymentLimits
}

interface Provisioned {
  readonly resource: string
  readonly deployment: string
  readonly limiter: ProvisionedLimiter
}

/** The charge of a request, in either kind of limiter. */
export type Charge = WindowCharge | BucketCharge

/** The limits of all deployments, counted in this process. */
export class LimiterTable implements RateLimiter<Charge> {
  readonly #clock: Clock
  readonly #tracked = new RecentMap<string, Tracked>(MAX_CACHED_DEPLOYMENTS)
  /** Only configured deployments are provisioned, so the size is limited. */
  readonly #provisioned = new Map<string, Provisioned>()

  /** @param clock the clock of the exchanges */
  constructor(clock: Clock) {
    this.#clock = clock
  }

  decide(request: LimitRequest): LimitResult<Charge> {
    const nowMs = this.#clock.nowMs()
    return this.#limiterOf(request, nowMs).decide(nowMs, request.cost)
  }

  settle(charge: Charge, usage: Usage | undefined): void {
    if ('bucket' in charge) charge.limiter.settle(charge, usage)
    else charge.limiter.settle(charge, usage, this.#clock.nowMs())
  }

  discount(charge: Charge, cachedTokens: number): number | undefined {
    if ('bucket' in charge) return undefined
    return charge.limiter.discount(charge, cachedTokens, this.#clock.nowMs())
  }

  status({ resource, deployment, limits }: LimitSubject): LimitStatus {
    const nowMs = this.#clock.nowMs()
    const limiter = this.#tracked.get(`${resource}/${deployment}`)?.limiter
    if (limits.kind === 'provisioned') {
      const known = limiter instanceof ProvisionedLimiter ? limiter : new ProvisionedLimiter(limits.plan)
      return known.status(nowMs, limits.plan)
    }
    // The profile changes only the headers, not the usage.
    const known = limiter instanceof DeploymentLimiter ? limiter : newLimiter(limits)
    return known.status(nowMs, limits.plan)
  }

  clear(): void {
    this.#tracked.clear()
    this.#provisioned.clear()
  }

  retainResources(ids: ReadonlySet<string>): void {
    this.#tracked.deleteWhere((_, { resource }) => !ids.has(resource))
    for (const [key, { resource }] of this.#provisioned) if (!ids.has(resource)) this.#provisioned.delete(key)
  }

  *utilizations(): Generator<Utilization> {
    const nowMs = this.#clock.nowMs()
    for (const { resource, deployment, limiter } of this.#provisioned.values()) {
      yield { resource, deployment, share: limiter.utilization(nowMs) }
    }
  }

  /** The limiter of a deployment, with its current limits. */
  #limiterOf({ resource, deployment, limits }: LimitSubject, nowMs: number): Tracked['limiter'] {
    const key = `${resource}/${deployment}`
    const tracked = this.#tracked.get(key)
    if (tracked?.limits === limits) return tracked.limiter
    const limiter = limiterFor(tracked?.limiter, limits, nowMs)
    if (tracked) {
      tracked.limiter = limiter
      tracked.limits = limits
    } else this.#tracked.set(key, { resource, limiter, limits })
    if (limiter instanceof ProvisionedLimiter) {
      this.#provisioned.set(key, { resource, deployment, limiter })
    } else this.#provisioned.delete(key)
    return limiter
  }
}

/** Updates the limits of a limiter, or creates one if it is missing or of the other kind. */
function limiterFor(
  limiter: Tracked['limiter'] | undefined,
  limits: DeploymentLimits,
  nowMs: number,
): Tracked['limiter'] {
  if (limits.kind === 'provisioned') {
    if (!(limiter instanceof ProvisionedLimiter)) return new ProvisionedLimiter(limits.plan)
    limiter.updateLimits(limits.plan, nowMs)
    return limiter
  }
  if (!(limiter instanceof DeploymentLimiter)) return newLimiter(limits)
  limiter.updateLimits(limits.plan, limitProfile(limits.profileName))
  return limiter
}

function newLimiter({
  plan,
  profileName,
}: DeploymentLimits & { readonly kind: 'pay-as-you-go' }): DeploymentLimiter {
  return new DeploymentLimiter(plan, limitProfile(profileName))
}
