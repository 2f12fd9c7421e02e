import type { Deployment } from '../../config/deployments.ts'
import { limitProfile } from '../../limits/limit-profile.ts'
import type { Decision, LimitAuthority, LimitQuestion, Standing } from '../../limits/limit-authority.ts'
import type { Usage } from '../../answer/completion.ts'
import type { LimitMethods, SentStanding, SentUsage } from './limit-messages.ts'
import type { Peer } from '../../shared/rpc/peer.ts'

/** The limits of a worker: it asks the primary, so that all workers have one limit together. */
export class RemoteLimits implements LimitAuthority {
  readonly #primary: Peer<LimitMethods>

  constructor(primary: Peer<LimitMethods>) {
    this.#primary = primary
  }

  decide(question: LimitQuestion): Promise<Decision | undefined> | undefined {
    return isLimited(question.deployment) ? this.#ask(question) : undefined
  }

  /** The administration, which asks this, is the primary's. */
  standingOf(): undefined {
    return undefined
  }

  /** The metrics of all workers have them from the primary. */
  utilizations(): [] {
    return []
  }

  /** What was used is kept, and forgotten, by the primary. */
  clear(): void {}

  async #ask({
    resource,
    deployment,
    profileName,
    limitFactor,
    cost,
  }: LimitQuestion): Promise<Decision | undefined> {
    const primary = this.#primary
    const { promptTokens, completionTokens } = cost
    const sent = await primary.call('limits.decide', [
      resource,
      deployment.name,
      profileName,
      limitFactor,
      promptTokens,
      completionTokens,
    ])
    if (!sent) return undefined
    const standing = standingOf(sent.standing, profileName)
    if ('refused' in sent) {
      return { admitted: false, kind: sent.refused, retryAfterMs: sent.retryAfterMs, standing }
    }
    const { number } = sent
    let utilization = standing.utilization ?? 0
    return {
      admitted: true,
      standing,
      settle: (usage) => primary.tell('limits.settle', [number, usage ? sentUsage(usage) : null]),
      ...(sent.discounts && {
        discount: async (cachedTokens) =>
          (utilization = (await primary.call('limits.discount', [number, cachedTokens])) ?? utilization),
      }),
    }
  }
}

/** A provisioned deployment has its units, any other one its tokens or requests a minute. */
function isLimited({ tokensPerMinute, requestsPerMinute, provisionedThroughputUnits }: Deployment): boolean {
  return (
    tokensPerMinute !== undefined ||
    requestsPerMinute !== undefined ||
    provisionedThroughputUnits !== undefined
  )
}

function standingOf(
  { requests, tokens, utilization }: SentStanding,
  profileName: LimitQuestion['profileName'],
): Standing {
  return {
    ...(requests && { rateLimits: { requests, tokens, style: limitProfile(profileName) } }),
    ...(utilization !== undefined && { utilization }),
  }
}

function sentUsage({ promptTokens, cachedTokens, completionTokens, reasoningTokens }: Usage): SentUsage {
  return [promptTokens, cachedTokens, completionTokens, reasoningTokens]
}
