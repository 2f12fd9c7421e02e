import type { MaybePromise } from '../../lib/port.ts'
import {
  type LimitRequest,
  type LimitResult,
  type LimitStatus,
  type LimitSubject,
  type LimitUse,
  payAsYouGoUse,
  type RateLimiter,
  type ReadableLimiter,
} from '../../limits/rate-limiter.ts'
import type { Usage } from '../../answer/completion.ts'
import { BucketLimits } from './bucket-limits.ts'
import { limitKey, limitKeyPrefix } from './deployment-key.ts'
import { type LimitRules, limitRulesOf } from './limit-rules.ts'
import { mapMaybe } from '../../pipeline/stage.ts'
import type { RedisConnection } from './redis-connection.ts'
import { type TimeOverride, WindowLimits } from './window-limits.ts'

export interface RedisLimitsOptions {
  readonly connection: RedisConnection
  /** Prefix of keys. */
  readonly prefix: string
  /** Used while Redis is slow or not available. */
  readonly local: ReadableLimiter
  /** For tests: replaces the clock of Redis. Returns milliseconds. */
  readonly timeOverride?: TimeOverride
}

/** A charge for a request, in Redis or local. */
export interface RedisCharge {
  settle(usage: Usage | undefined): void
  discount(cachedTokens: number): MaybePromise<number | undefined>
}

type MaybeResult = MaybePromise<LimitResult<RedisCharge>>

/** Limits in Redis. */
export interface RedisLimits extends RateLimiter<RedisCharge> {
  use(subject: LimitSubject): MaybePromise<LimitUse>
  clear(): Promise<void>
  /** Resets the local limits. Redis keeps its data. */
  forget(): MaybePromise<void>
}

/**
 * Limits that all simulators with the same Redis and prefix share. Requests of one event-loop iteration are decided in one call
 * for each deployment. The local limiter decides while Redis is not available, and if Redis is slow, after the timeout of the
 * connection.
 */
export function createRedisLimits(options: RedisLimitsOptions): RedisLimits {
  const { connection, prefix, local, timeOverride } = options
  const windows = new WindowLimits(connection, connection.clock, timeOverride)
  const buckets = new BucketLimits(connection, connection.clock, timeOverride)

  const decideInRedis = (
    rules: LimitRules,
    { resource, deployment, cost }: LimitRequest,
  ): Promise<LimitResult<RedisCharge>> => {
    const key = limitKey(prefix, resource, deployment, rules.kind)
    if (rules.kind === 'windows') {
      return windows.decide(key, rules, cost.promptTokens + cost.completionTokens)
    }
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

  const forget = (): MaybePromise<void> => local.clear?.()

  return {
    forget,

    decide(request) {
      if (!connection.state.up) return fallBack(request)
      return decideInRedis(limitRulesOf(request.limits), request).catch(() => fallBack(request))
    },

    settle: (charge, usage) => charge.settle(usage),
    discount: (charge, cachedTokens) => charge.discount(cachedTokens),

    status(subject) {
      const rules = limitRulesOf(subject.limits)
      if (!connection.state.up) return local.status(subject)
      const key = limitKey(prefix, subject.resource, subject.deployment, rules.kind)
      const status: Promise<LimitStatus> =
        rules.kind === 'windows' ? windows.status(key, rules) : buckets.status(key, rules)
      return status.catch(() => local.status(subject))
    },

    use(subject) {
      const { resource, deployment } = subject
      const rules = limitRulesOf(subject.limits)
      if (!connection.state.up) return local.use(subject)
      const key = limitKey(prefix, resource, deployment, rules.kind)
      const use: Promise<LimitUse> =
        rules.kind === 'windows'
          ? windows.used(key).then((used) => payAsYouGoUse(rules, used))
          : buckets.status(key, rules)
      return use.catch(() => local.use(subject))
    },

    retainResources: (ids) => local.retainResources?.(ids),

    async clear() {
      await forget()
      if (connection.state.up) await removeKeys(connection, limitKeyPrefix(prefix)).catch(() => {})
    },
  }
}

/** Finds the keys with SCAN, because maintaining a list of keys would cost time in every request. */
async function removeKeys(connection: RedisConnection, prefix: string): Promise<void> {
  const pattern = `${prefix.replaceAll(/[\\*?[\]]/g, '\\$&')}*`
  let cursor = '0'
  do {
    const page = await connection.send(['SCAN', cursor, 'MATCH', pattern, 'COUNT', '1000'])
    const [next, keys] = page as [string, string[]]
    // One call for each key, because in a cluster one call cannot remove keys of several hash slots.
    await Promise.all(keys.map((key) => connection.send(['UNLINK', key])))
    cursor = next
  } while (cursor !== '0')
}
