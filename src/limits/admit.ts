import type { Deployment } from '../config/deployments.ts'
import { rateLimited } from '../openai/errors.ts'
import { operations } from '../openai/operations.ts'
import type { Route } from '../openai/route.ts'
import { errorReply } from '../pipeline/error-reply.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import type { Hook, Next } from '../pipeline/hook.ts'
import type { Reply } from '../pipeline/reply.ts'
import { RecentMap } from '../platform/recent-map.ts'
import { type Decision, DeploymentLimiter } from './deployment-limiter.ts'
import { type LimitPlan, limitPlanOf } from './limit-plan.ts'
import { estimateTokens } from './request-cost.ts'

/** How many deployments keep their usage for certain: 5 KB each, and up to twice as many are held. */
const rememberedDeployments = 16_384

interface Tracked {
  readonly limiter: DeploymentLimiter
  /** Whose limits the limiter has; a changed configuration brings another object of the same name. */
  deployment: Deployment
}

/**
 * Makes the stage that asks the limits of the exchange's deployment, which all keys of a resource share. A request
 * without a deployment passes, and one whose deployment has no limits.
 *
 * What an answer costs is corrected when it has been sent: to its usage, where it tells any, and to nothing where it
 * failed. Usage lives as long as this stage, so a changed configuration does not reset it.
 */
export function createAdmit(): Hook {
  const trackedByKey = new RecentMap<string, Tracked>(rememberedDeployments)

  const limiterOf = (key: string, deployment: Deployment, plan: LimitPlan): DeploymentLimiter => {
    let tracked = trackedByKey.get(key)
    if (!tracked) {
      tracked = { limiter: new DeploymentLimiter(plan), deployment }
      trackedByKey.set(key, tracked)
    } else if (tracked.deployment !== deployment) {
      tracked.limiter.adapt(plan)
      tracked.deployment = deployment
    }
    return tracked.limiter
  }

  return async function admit(exchange: Exchange, next: Next): Promise<Reply> {
    const { deployment, route } = exchange
    const plan = deployment && limitPlanOf(deployment)
    if (!plan || !route) return next()

    const limiter = limiterOf(`${exchange.resource}/${deployment.name}`, deployment, plan)
    const estimate = estimateTokens(route.operation, exchange.json)
    const decision = limiter.decide(exchange.clock.nowMs(), estimate)
    exchange.rateLimits = decision.rateLimits
    if (!decision.admitted) return refusal(exchange, deployment, route, decision)

    const charge = (tokens: number): void => {
      exchange.onEnd(() => limiter.correct(decision.receipt, tokens - estimate))
    }
    try {
      const reply = await next()
      if (reply.status >= 400) charge(0)
      else if (reply.usage) charge(reply.usage.promptTokens + reply.usage.completionTokens)
      return reply
    } catch (error) {
      charge(0)
      throw error
    }
  }
}

function refusal(
  exchange: Exchange,
  deployment: Deployment,
  route: Route,
  decision: Decision & { readonly admitted: false },
): Reply {
  const { kind, retryAfterMs } = decision
  const retryAfterSeconds = Math.ceil(retryAfterMs / 1_000)
  const error = rateLimited({
    deployment: deployment.name,
    model: deployment.model.name,
    region: exchange.config.region,
    operationId: operations[route.operation].id,
    apiVersion: exchange.apiVersion,
    kind,
    retryAfterSeconds,
  })
  const reply = errorReply(exchange, error, {
    'retry-after': String(retryAfterSeconds),
    'retry-after-ms': String(retryAfterMs),
    'x-ratelimit-type': kind === 'token' ? 'Tokens' : 'Requests',
  })
  reply.limitedBy = kind === 'token' ? 'tokens' : 'requests'
  return reply
}
