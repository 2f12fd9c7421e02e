import type { Deployment } from '../config/deployments.ts'
import type { Route } from '../openai/route.ts'
import { utilizationHeader, utilizationText } from '../openai/service-headers.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import type { NamedLimiter } from '../pipeline/extension.ts'
import type { Hook, Next } from '../pipeline/hook.ts'
import type { Reply } from '../pipeline/reply.ts'
import { limitProfile } from './limit-profile.ts'
import { limitRefusal } from './limit-refusal.ts'
import type { Decision, LimitAuthority } from '../pipeline/limit-authority.ts'
import { LimiterTable } from './limiter-table.ts'
import { estimateCost } from './request-cost.ts'

type AdmittedDecision = Decision & { readonly admitted: true }
type Refusal = Decision & { readonly admitted: false }

/** The stage that asks the limits, and what it knows of them. */
export interface Admission {
  readonly admit: Hook
  /** What decides; all keys of a resource share its limits. */
  readonly limits: LimitAuthority
}

/** What admission is made from. */
export interface AdmissionParts {
  /** Limiters of extensions: one that the exchange names is asked instead, with or without a deployment. */
  readonly named?: ReadonlyMap<string, NamedLimiter>
  /** Default: one of this process alone. */
  readonly limits?: LimitAuthority
}

/**
 * Makes the stage that asks the limits of the exchange's deployment. A request without a deployment passes, and one
 * whose deployment has no limits. What a provisioned deployment refuses goes to the one that it spills over to.
 *
 * What an answer costs is corrected when it has been sent: to its usage, where it tells any, and to nothing where it
 * failed. Usage lives as long as this stage, so a changed configuration does not reset it.
 */
export function createAdmission({
  named = new Map(),
  limits = new LimiterTable(),
}: AdmissionParts = {}): Admission {
  const ask = (exchange: Exchange, deployment: Deployment, route: Route) => {
    const { config, clock, conditions, resource } = exchange
    const profileName = deployment.limitProfile ?? config.limitProfile
    const cost = estimateCost(route.operation, exchange.json, limitProfile(profileName).estimate)
    const limitFactor = conditions?.limitFactor ?? 1
    return limits.decide({ resource, deployment, profileName, limitFactor, cost }, clock.nowMs())
  }

  /** What is known at once is not waited for, which would cost every request a turn of promises. */
  const admitTo = (
    exchange: Exchange,
    deployment: Deployment,
    route: Route,
    next: Next,
    onRefusal: (decision: Refusal) => Promise<Reply>,
  ): Promise<Reply> => {
    const follow = (decision: Decision | undefined): Promise<Reply> => {
      if (!decision) return next()
      exchange.rateLimits = decision.standing.rateLimits
      exchange.utilization = decision.standing.utilization
      return decision.admitted ? answer(exchange, decision, next) : onRefusal(decision)
    }
    const decision = ask(exchange, deployment, route)
    return decision instanceof Promise ? decision.then(follow) : follow(decision)
  }

  const admit: Hook = (exchange, next) => {
    if (exchange.limiter !== undefined) {
      const refused = limiterNamed(exchange.limiter, named)(exchange)
      return refused ? Promise.resolve(refused) : next()
    }
    const { deployment, route } = exchange
    if (!deployment || !route) return next()
    return admitTo(exchange, deployment, route, next, (decision) => {
      const spare = spilloverOf(exchange, deployment)
      if (!spare) return refusal(exchange, decision)
      exchange.deployment = spare
      exchange.spilledOverFrom = deployment.name
      return admitTo(exchange, spare, route, next, (second) => refusal(exchange, second))
    })
  }

  return { admit, limits }
}

function refusal(exchange: Exchange, { kind, retryAfterMs }: Refusal): Promise<Reply> {
  return Promise.resolve(limitRefusal(exchange, kind, retryAfterMs))
}

/** The configuration is checked: the name is that of a pay-as-you-go deployment. */
function spilloverOf({ config }: Exchange, { spilloverTo }: Deployment): Deployment | undefined {
  return spilloverTo === undefined ? undefined : config.deployments.get(spilloverTo)
}

async function answer(exchange: Exchange, decision: AdmittedDecision, next: Next): Promise<Reply> {
  let reply: Reply | undefined
  try {
    reply = await next()
    if (decision.discount) await discountCached(exchange, decision.discount, reply)
    return reply
  } finally {
    const answered = reply
    exchange.onEnd(() => {
      const failed = !answered || answered.status >= 400
      // An answer that does not tell its usage keeps its estimate.
      if (failed || answered.usage) {
        decision.settle(failed ? undefined : answered.usage, exchange.clock.nowMs())
      }
    })
  }
}

/** The prompt cache is asked while the answer is planned, which is before any of its time has passed. */
async function discountCached(
  exchange: Exchange,
  discount: NonNullable<AdmittedDecision['discount']>,
  { usage, headers }: Reply,
): Promise<void> {
  if (!usage || usage.cachedTokens === 0) return
  exchange.utilization = await discount(usage.cachedTokens, exchange.clock.nowMs())
  if (headers.get(utilizationHeader) !== undefined) {
    headers.set(utilizationHeader, utilizationText(exchange.utilization))
  }
}

function limiterNamed(name: string, named: ReadonlyMap<string, NamedLimiter>): NamedLimiter {
  const limiter = named.get(name)
  if (limiter) return limiter
  const known = named.size === 0 ? 'no extension brings any' : `known are ${[...named.keys()].join(', ')}`
  throw new Error(
    `Could not ask the limiter "${name}": nobody knows it (${known}). Correct exchange.limiter in the hook that sets it, or add the limiter to an extension's limiters.`,
  )
}
