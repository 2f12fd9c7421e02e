import type { MaybePromise } from '../../lib/port.ts'
import type { LimitStatus, LimitRequest, LimitResult, RateLimiter } from '../../limits/rate-limiter.ts'
import type { Usage } from '../../answer/completion.ts'
import type { Utilization } from '../../limits/occupancy.ts'
import type { Clock } from '../../lib/clock.ts'
import { BucketLimits } from './bucket-limits.ts'
import { limitKey, limitKeyPrefix } from './deployment-key.ts'
import { type BucketRules, type LimitRules, limitRulesOf } from './limit-rules.ts'
import { mapMaybe } from '../../pipeline/stage.ts'
import type { RedisConnection } from './redis-connection.ts'
import { type TellTime, WindowLimits } from './window-limits.ts'

/** What limits in Redis are made from. */
export interface RedisLimitsOptions {
  readonly connection: RedisConnection
  /** What keys begin with. */
  readonly prefix: string
  /** That of the exchanges; limits go by Redis's own time. */
  readonly clock: Clock
  /** Answers while Redis is slow or away. */
  readonly local: RateLimiter
  /** For tests: the time that counts, in milliseconds, in the place of Redis's own. */
  readonly tellTime?: TellTime
}

/** What a request was charged: in Redis, or by this process alone. */
export interface RedisCharge {
  settle(usage: Usage | undefined): void
  discount(cachedTokens: number): MaybePromise<number | undefined>
}

type MaybeResult = MaybePromise<LimitResult<RedisCharge>>

/** Limits in Redis, and what this process knows of them. */
export interface RedisLimits extends RateLimiter<RedisCharge> {
  utilizations(): Iterable<Utilization>
  clear(): Promise<void>
  /** Forgets what this process knows, and its own limits; what lies in Redis stays. */
  forget(): MaybePromise<void>
}

/**
 * Limits that all simulators with the same Redis and prefix have together. What comes up in one turn of the event loop is
 * decided in one call for each deployment. While Redis is away the local authority answers, at once; when Redis is slow, after
 * the connection's timeout.
 */
export function createRedisLimits(parts: RedisLimitsOptions): RedisLimits {
  const { connection, prefix, clock, local, tellTime } = parts
  const levels = new Map<
    string,
    { readonly rules: BucketRules; readonly level: number; readonly atMs: number }
  >()
  const provisioned = new Map<string, { readonly resource: string; readonly deployment: string }>()
  const windows = new WindowLimits(connection, connection.clock, tellTime)
  const buckets = new BucketLimits(
    connection,
    connection.clock,
    (key, rules, level) => levels.set(key, { rules, level, atMs: clock.nowMs() }),
    tellTime,
  )

  const ask = (
    rules: LimitRules,
    { resource, deployment, cost }: LimitRequest,
  ): Promise<LimitResult<RedisCharge>> => {
    const key = limitKey(prefix, resource, deployment, rules.kind)
    if (rules.kind === 'windows') {
      return windows.decide(key, rules, cost.promptTokens + cost.completionTokens)
    }
    provisioned.set(key, { resource, deployment })
    return buckets.decide(key, rules, rules.weigh(cost))
  }

  const fallBack = (request: LimitRequest): MaybeResult => {
    connection.state.fallbacks++
    return mapMaybe(local.decide(request), (result): LimitResult<RedisCharge> => {
      if (!result.admitted) return result
      const { lease } = result
      return {
        ...result,
        lease: {
          settle: (usage) => local.settle(lease, usage),
          discount: (cachedTokens) => local.discount(lease, cachedTokens),
        },
      }
    })
  }

  const forget = (): MaybePromise<void> => {
    levels.clear()
    provisioned.clear()
    return local.clear?.()
  }

  return {
    forget,

    decide(request) {
      if (!connection.state.up) return fallBack(request)
      return ask(limitRulesOf(request.limits), request).catch(() => fallBack(request))
    },

    settle: (charge, usage) => charge.settle(usage),
    discount: (charge, cachedTokens) => charge.discount(cachedTokens),

    status(subject) {
      const rules = limitRulesOf(subject.limits)
      if (!connection.state.up) return local.status(subject)
      const key = limitKey(prefix, subject.resource, subject.deployment, rules.kind)
      const asked: Promise<LimitStatus> =
        rules.kind === 'windows' ? windows.status(key, rules) : buckets.status(key, rules)
      return asked.catch(() => local.status(subject))
    },

    *utilizations(): Generator<Utilization> {
      const nowMs = clock.nowMs()
      if (!connection.state.up) {
        yield* local.utilizations?.() ?? []
        return
      }
      for (const [key, place] of provisioned) {
        const known = levels.get(key)
        if (!known) continue
        const { rules, level, atMs } = known
        const left = Math.max(0, level - ((nowMs - atMs) * rules.tokensPerMinute) / 60_000)
        yield { ...place, share: rules.status(left).utilization }
      }
    },

    async clear() {
      await forget()
      if (connection.state.up) await removeKeys(connection, limitKeyPrefix(prefix)).catch(() => {})
    },
  }
}

/** Searched for, since a list of the keys would cost every request its upkeep. */
async function removeKeys(connection: RedisConnection, prefix: string): Promise<void> {
  const pattern = `${prefix.replaceAll(/[\\*?[\]]/g, '\\$&')}*`
  let cursor = '0'
  do {
    const page = await connection.send(['SCAN', cursor, 'MATCH', pattern, 'COUNT', '1000'])
    const [next, keys] = page as [string, string[]]
    // One by one, for in a cluster keys of several places cannot be removed together.
    await Promise.all(keys.map((key) => connection.send(['UNLINK', key])))
    cursor = next
  } while (cursor !== '0')
}
