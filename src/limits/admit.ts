import type { Deployment } from '../config/deployments.ts'
import { rateLimited } from '../openai/errors.ts'
import { operations } from '../openai/operations.ts'
import type { Route } from '../openai/route.ts'
import { utilizationHeader, utilizationText } from '../openai/service-headers.ts'
import { errorReply } from '../pipeline/error-reply.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import type { Hook, Next } from '../pipeline/hook.ts'
import type { Reply } from '../pipeline/reply.ts'
import { limitProfile } from './limit-profile.ts'
import type { Decision } from './limiter.ts'
import { LimiterTable } from './limiter-table.ts'
import { estimateCost } from './request-cost.ts'
import { scaleLimits } from './scale-limits.ts'

type Refusal = Decision & { readonly admitted: false }
type AdmittedDecision = Decision & { readonly admitted: true }

/** The stage that asks the limits, and what it knows of them. */
export interface Admission {
  readonly admit: Hook
  /** The limits of every deployment that was asked for; all keys of a resource share them. */
  readonly limiters: LimiterTable
}

/**
 * Makes the stage that asks the limits of the exchange's deployment. A request without a deployment passes, and one
 * whose deployment has no limits. What a provisioned deployment refuses goes to the one that it spills over to.
 *
 * What an answer costs is corrected when it has been sent: to its usage, where it tells any, and to nothing where it
 * failed. Usage lives as long as this stage, so a changed configuration does not reset it.
 */
export function createAdmission(): Admission {
  const limiters = new LimiterTable()

  const admit: Hook = (exchange, next) => {
    const { deployment, route } = exchange
    if (!deployment || !route) return next()
    const decision = ask(exchange, deployment, route)
    if (!decision) return next()
    if (decision.admitted) return answer(exchange, decision, next)

    const spare = spilloverOf(exchange, deployment)
    if (!spare) return Promise.resolve(refusal(exchange, deployment, route, decision))
    exchange.deployment = spare
    exchange.spilledOverFrom = deployment.name
    const second = ask(exchange, spare, route)
    if (!second) return next()
    if (second.admitted) return answer(exchange, second, next)
    return Promise.resolve(refusal(exchange, spare, route, second))
  }

  const ask = (exchange: Exchange, deployment: Deployment, route: Route): Decision | undefined => {
    const nowMs = exchange.clock.nowMs()
    const profileName = deployment.limitProfile ?? exchange.config.limitProfile
    const limited = exchange.conditions
      ? scaleLimits(deployment, exchange.conditions.limitFactor)
      : deployment
    const limiter = limiters.limiterOf(exchange.resource, limited, profileName, nowMs)
    if (!limiter) return undefined
    const cost = estimateCost(route.operation, exchange.json, limitProfile(profileName).estimate)
    const decision = limiter.decide(nowMs, cost)
    exchange.rateLimits = decision.standing.rateLimits
    exchange.utilization = decision.standing.utilization
    return decision
  }

  return { admit, limiters }
}

/** The configuration is checked: the name is that of a pay-as-you-go deployment. */
function spilloverOf({ config }: Exchange, { spilloverTo }: Deployment): Deployment | undefined {
  return spilloverTo === undefined ? undefined : config.deployments.get(spilloverTo)
}

async function answer(exchange: Exchange, decision: AdmittedDecision, next: Next): Promise<Reply> {
  let reply: Reply | undefined
  try {
    reply = await next()
    discountCached(exchange, decision, reply)
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
function discountCached(exchange: Exchange, { discount }: AdmittedDecision, { usage, headers }: Reply): void {
  if (!discount || !usage || usage.cachedTokens === 0) return
  exchange.utilization = discount(usage.cachedTokens, exchange.clock.nowMs())
  if (headers.get(utilizationHeader) !== undefined) {
    headers.set(utilizationHeader, utilizationText(exchange.utilization))
  }
}

function refusal(exchange: Exchange, deployment: Deployment, { operation }: Route, decision: Refusal): Reply {
  const { kind, retryAfterMs } = decision
  const retryAfterSeconds = Math.ceil(retryAfterMs / 1_000)
  const error = rateLimited({
    deployment: deployment.name,
    model: deployment.model.name,
    region: exchange.config.region,
    operationId: operations[operation].id,
    apiVersion: exchange.apiVersion,
    kind,
    retryAfterSeconds,
  })
  const reply = errorReply(exchange, error, {
    'retry-after': String(retryAfterSeconds),
    'retry-after-ms': String(retryAfterMs),
    ...(decision.standing.rateLimits && { 'x-ratelimit-type': kind === 'token' ? 'Tokens' : 'Requests' }),
  })
  reply.limitedBy = kind === 'token' ? 'tokens' : 'requests'
  return reply
}
