import type { Usage } from '../answer/completion.ts'
import type { Clock } from '../lib/clock.ts'
import { RecentMap } from '../lib/caches.ts'
import { DeploymentLimiter, unusedStatus, type WindowCharge } from './deployment-limiter.ts'
import { type DeploymentLimits, limitProfile } from './limit-plan.ts'
import { type BucketCharge, ProvisionedLimiter, provisionedStatus } from './provisioned-limiter.ts'
import {
  type LimitStatus,
  type LimitRequest,
  type LimitResult,
  type LimitSubject,
  type LimitUse,
  payAsYouGoUse,
  type RateLimiter,
} from './rate-limiter.ts'

/** Deployments that keep their usage (10 KB each). Up to twice as many are cached. */
const MAX_CACHED_DEPLOYMENTS = 16_384

interface Tracked {
  readonly resource: string
  limiter: DeploymentLimiter | ProvisionedLimiter
  /** The limits of the limiter. Changed limits are another object. */
  limits: DeploymentLimits
}

/** The charge of a request, in either kind of limiter. */
export type Charge = WindowCharge | BucketCharge

/** The limits of all deployments, counted in this process. */
export class LimiterTable implements RateLimiter<Charge> {
  readonly #clock: Clock
  readonly #tracked = new RecentMap<string, Tracked>(MAX_CACHED_DEPLOYMENTS)

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
      return limiter instanceof ProvisionedLimiter
        ? limiter.status(nowMs, limits.plan)
        : provisionedStatus(0, limits.plan)
    }
    // The profile changes only the headers, not the usage.
    return limiter instanceof DeploymentLimiter
      ? limiter.status(nowMs, limits.plan)
      : unusedStatus(limits.plan)
  }

  use({ resource, deployment, limits }: LimitSubject): LimitUse {
    const nowMs = this.#clock.nowMs()
    const limiter = this.#tracked.get(`${resource}/${deployment}`)?.limiter
    if (limits.kind === 'provisioned') {
      const { kind, plan } = limits
      return {
        kind,
        utilization: limiter instanceof ProvisionedLimiter ? limiter.status(nowMs, plan).utilization : 0,
      }
    }
    const isUsed = limiter instanceof DeploymentLimiter
    return payAsYouGoUse(limits.plan, isUsed ? limiter.used(nowMs) : { tokens: 0, requests: 0 })
  }

  clear(): void {
    this.#tracked.clear()
  }

  retainResources(ids: ReadonlySet<string>): void {
    this.#tracked.deleteWhere((_, { resource }) => !ids.has(resource))
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
