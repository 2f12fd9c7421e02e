import type { Deployment } from '../config/deployments.ts'
import { type Addressed, type Exchange, isAddressed } from '../pipeline/exchange.ts'
import type { NamedLimiter } from '../pipeline/extension.ts'
import type { Answer, Stage } from '../pipeline/stage.ts'
import type { Reply } from '../pipeline/reply.ts'
import { whenFailed, whenKnown } from '../pipeline/when-known.ts'
import { limitProfile } from './limit-profile.ts'
import { limitRefusal } from './limit-refusal.ts'
import { type DeploymentLimits, limitsOf } from './deployment-limits.ts'
import type { LimitResult, RateLimiter } from './rate-limiter.ts'
import { estimateCost } from './request-cost.ts'

type Admitted = LimitResult & { readonly admitted: true }
type Refusal = LimitResult & { readonly admitted: false }

/** What admission is made from. */
export interface AdmissionParts {
  /** Limiters of extensions: one that the exchange names is asked instead, with or without a deployment. */
  readonly named?: ReadonlyMap<string, NamedLimiter>
  /** What decides; all keys of a resource share its limits. */
  readonly limits: RateLimiter
}

/**
 * Makes the stage that asks the limits of the exchange's deployment. A request without a deployment passes, and one
 * whose deployment has no limits. What a provisioned deployment refuses goes to the one that it spills over to.
 *
 * What an answer costs is corrected when it has been sent: to its usage, where it tells any, and to nothing where it
 * failed. Usage lives as long as this stage, so a changed configuration does not reset it.
 */
export function createAdmission({ named = new Map(), limits }: AdmissionParts): Stage {
  /** What is known at once is not waited for, which would cost every request a turn of promises. */
  const admitTo = (
    exchange: Addressed,
    next: () => Answer,
    onRefusal: (decision: Refusal) => Answer,
  ): Answer => {
    const { route, deployment, config, conditions, resource } = exchange
    const profileName = deployment.limitProfile ?? config.limitProfile
    const asked = limitsOf(deployment, profileName, conditions?.limitFactor ?? 1)
    if (!asked) return next()
    const profile = limitProfile(profileName)
    const cost = estimateCost(route.operation, exchange.json, profile.estimate)
    const decision = limits.decide({ resource, deployment: deployment.name, limits: asked, cost })
    return whenKnown(decision, (known) => {
      const { requests, tokens, utilization } = known.status
      exchange.noteLimits(requests && { requests, tokens, style: profile }, utilization)
      return known.admitted ? answer(exchange, limits, asked, known, next) : onRefusal(known)
    })
  }

  const admit: Stage = (exchange, next) => {
    if (exchange.limiter !== undefined) {
      return limiterNamed(exchange.limiter, named)(exchange) ?? next()
    }
    if (!isAddressed(exchange)) return next()
    return admitTo(exchange, next, (decision) => {
      const spare = spilloverOf(exchange)
      if (!spare) return refusal(exchange, decision)
      exchange.spillOver(spare)
      return admitTo(exchange, next, (second) => refusal(exchange, second))
    })
  }

  return admit
}

function refusal(exchange: Exchange, { kind, retryAfterMs }: Refusal): Reply {
  return limitRefusal(exchange, kind, retryAfterMs)
}

/** The configuration is checked: the name is that of a pay-as-you-go deployment. */
function spilloverOf({ config, deployment: { spilloverTo } }: Addressed): Deployment | undefined {
  return spilloverTo === undefined ? undefined : config.deployments.get(spilloverTo)
}

/** What the answer costs is known for good when it has been sent, or has failed. */
function answer(
  exchange: Exchange,
  limits: RateLimiter,
  { kind }: DeploymentLimits,
  { lease }: Admitted,
  next: () => Answer,
): Answer {
  const settle = (reply: Reply | undefined): void =>
    exchange.onEnd(() => {
      const failed = !reply || reply.status >= 400
      // An answer that does not tell its usage keeps its estimate.
      if (failed || reply.usage) limits.settle(lease, failed ? undefined : reply.usage)
    })
  const planned = (reply: Reply): Answer => {
    if (kind === 'provisioned') {
      return discountCached(exchange, limits, lease, reply).finally(() => settle(reply))
    }
    settle(reply)
    return reply
  }
  const failed = (error: unknown): never => {
    settle(undefined)
    throw error
  }
  return whenKnown(whenFailed(next, failed), planned)
}

/** The prompt cache is asked while the answer is planned, which is before any of its time has passed. */
async function discountCached(
  exchange: Exchange,
  limits: RateLimiter,
  lease: unknown,
  reply: Reply,
): Promise<Reply> {
  const { usage } = reply
  if (!usage || usage.cachedTokens === 0) return reply
  const utilization = await limits.discount(lease, usage.cachedTokens)
  exchange.noteLimits(exchange.rateLimits, utilization ?? exchange.utilization)
  return reply
}

function limiterNamed(name: string, named: ReadonlyMap<string, NamedLimiter>): NamedLimiter {
  const limiter = named.get(name)
  if (limiter) return limiter
  const known = named.size === 0 ? 'no extension brings any' : `known are ${[...named.keys()].join(', ')}`
  throw new Error(
    `Could not ask the limiter "${name}": nobody knows it (${known}). Correct exchange.limiter in the hook that sets it, or add the limiter to an extension's limiters.`,
  )
}
