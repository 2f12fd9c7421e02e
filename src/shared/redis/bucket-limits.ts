import type { LimitResult, ProvisionedStatus } from '../../limits/rate-limiter.ts'
import type { RedisCharge } from './redis-limits.ts'
import type { Clock } from '../../lib/clock.ts'
import type { BucketRules } from './limit-rules.ts'
import { type Sender, RedisScript } from './redis-script.ts'
import { MAX_ITEMS_PER_CALL, TickBatcher } from './tick-batcher.ts'
import type { TimeOverride } from './window-limits.ts'

/**
 * Decides requests of one provisioned deployment and corrects earlier charges.
 *
 * KEYS: the bucket. ARGV: time in ms (empty: clock of Redis), weighted tokens processed per minute, span in ms that equals
 * 100 %, then three values for each step: `d` (decide) or `a` (add), weighted tokens, and for `a` the creation time of the bucket
 * that was charged. Returns the creation time of the bucket, and for each step: 1 if admitted, level after it, wait in ms (-1: forever).
 *
 * The bucket is one string of four numbers: level, time of the level, drain per ms, creation time. It expires an hour after it is
 * empty, so that the charges of long answers can be corrected.
 */
const bucketScript = new RedisScript(`
local key, time = KEYS[1], redis.call('TIME')
local now = tonumber(ARGV[1]) or time[1] * 1000 + time[2] / 1000
local drain, span = tonumber(ARGV[2]) / 60000, tonumber(ARGV[3])
local bytes = redis.call('GETRANGE', key, 0, 31)
local level, last, drained, created = 0, now, drain, time[1] * 1000000 + time[2]
if #bytes == 32 then level, last, drained, created = struct.unpack('<dddd', bytes) end
-- After the clock was set back by more than a minute, continue from the new time, else nothing would drain until then.
if now > last or now < last - 60000 then
  level, last = math.max(0, level - math.max(0, now - last) * drained), now
end
local reply = { string.format('%.17g', created) }
for i = 4, #ARGV, 3 do
  local amount, admitted, wait = tonumber(ARGV[i + 1]), 1, 0
  if ARGV[i] == 'd' then
    drained = drain
    local excess = level - drained * span
    if excess >= 0 then
      admitted, wait = 0, drained == 0 and -1 or math.floor(excess / drained) + 1
    else
      level = math.max(0, level + amount)
    end
  elseif tonumber(ARGV[i + 2]) == created then
    level = math.max(0, level + amount)
  end
  local n = #reply
  reply[n + 1], reply[n + 2], reply[n + 3] = admitted, string.format('%.17g', level), math.min(wait, 9e15)
end
local busy = drained > 0 and math.min(level / drained, 86400000) or 0
redis.call('SET', key, struct.pack('<dddd', level, last, drained, created), 'PX', math.ceil(busy) + 3600000)
return reply
`)

/** Returns the level of one provisioned deployment. Read-only. ARGV: time in ms (empty: clock of Redis). */
const bucketStatusScript = new RedisScript(`
local bytes = redis.call('GETRANGE', KEYS[1], 0, 31)
if #bytes ~= 32 then return '0' end
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + time[2] / 1000
end
local level, last, drained = struct.unpack('<dddd', bytes)
return string.format('%.17g', math.max(0, level - math.max(0, now - last) * drained))
`)

const MAX_WAIT_MS = 86_400_000

interface StepReply {
  readonly createdAt: string
  readonly admitted: boolean
  /** Weighted tokens in the bucket. */
  readonly level: number
  /** Negative: forever. */
  readonly waitMs: number
}

interface Step {
  readonly rules: BucketRules
  readonly args: readonly [kind: 'd' | 'a', weightedTokens: string, created: string]
  readonly resolve: (reply: StepReply) => void
  readonly reject: (error: unknown) => void
}

/** Limits of provisioned deployments in Redis. */
export class BucketLimits {
  readonly #sender: Sender
  readonly #time: () => string
  readonly #batches: TickBatcher<Step>

  constructor(sender: Sender, clock: Clock, timeOverride?: TimeOverride) {
    this.#sender = sender
    this.#time = () => (timeOverride ? String(timeOverride()) : '')
    this.#batches = new TickBatcher(clock, (key, steps) => this.#send(key, steps))
  }

  /** Admits and charges a request, or refuses it. Rejects if Redis is slow or not available. */
  async decide(key: string, rules: BucketRules, estimate: number): Promise<LimitResult<RedisCharge>> {
    const { createdAt: created, admitted, level, waitMs } = await this.#step(key, rules, 'd', estimate, '')
    const status = { utilization: utilization(rules, level) }
    if (!admitted) {
      const retryAfterMs = waitMs < 0 ? MAX_WAIT_MS : Math.min(waitMs, MAX_WAIT_MS)
      return { admitted: false, kind: 'token', retryAfterMs, status }
    }
    let charged = estimate
    return {
      admitted: true,
      status,
      lease: {
        discount: async (cachedTokens) => {
          const delta = Math.max(0, charged - cachedTokens) - charged
          charged += delta
          // Without Redis, continue from the last known level.
          const known = await this.#step(key, rules, 'a', delta, created).catch(() => ({
            level: level + delta,
          }))
          return utilization(rules, known.level)
        },
        settle: (usage) => {
          const delta = (usage ? rules.weigh(usage) : 0) - charged
          if (delta !== 0) this.#step(key, rules, 'a', delta, created, false).catch(() => {})
        },
      },
    }
  }

  /** Current use of the limits. Rejects if Redis is slow or not available. */
  async status(key: string, rules: BucketRules): Promise<ProvisionedStatus> {
    return rules.status(Number(await bucketStatusScript.run(this.#sender, key, [this.#time()])))
  }

  #step(
    key: string,
    rules: BucketRules,
    kind: 'd' | 'a',
    weightedTokens: number,
    created: string,
    isUrgent = true,
  ): Promise<StepReply> {
    return new Promise((resolve, reject) => {
      const args = [kind, String(weightedTokens), created] as const
      this.#batches.add(key, { rules, args, resolve, reject }, isUrgent)
    })
  }

  #send(key: string, steps: readonly Step[]): void {
    for (let from = 0; from < steps.length;) {
      const { rules } = steps[from] as Step
      let end = from + 1
      while (end < steps.length && end - from < MAX_ITEMS_PER_CALL && steps[end]?.rules === rules) end++
      void this.#run(key, rules, steps.slice(from, end))
      from = end
    }
  }

  async #run(key: string, rules: BucketRules, steps: readonly Step[]): Promise<void> {
    try {
      const args = [this.#time(), String(rules.tokensPerMinute), String(rules.spanMs)]
      for (const step of steps) args.push(...step.args)
      const [created, ...flat] = (await bucketScript.run(this.#sender, key, args)) as [string, ...unknown[]]
      for (const [index, { resolve }] of steps.entries()) {
        const [admitted, level, waitMs] = flat.slice(index * 3, index * 3 + 3).map(Number)
        resolve({ createdAt: created, admitted: admitted === 1, level: level ?? 0, waitMs: waitMs ?? 0 })
      }
    } catch (error) {
      for (const { reject } of steps) reject(error)
    }
  }
}

function utilization({ tokensPerMinute, spanMs }: BucketRules, level: number): number {
  const capacity = (tokensPerMinute / 60_000) * spanMs
  return capacity === 0 ? 1 : level / capacity
}
