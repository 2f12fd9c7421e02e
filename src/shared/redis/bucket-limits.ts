import type { LimitResult } from '../../limits/rate-limiter.ts'
import type { RedisCharge } from './redis-limits.ts'
import type { ProvisionedStanding } from '../../limits/limit-standing.ts'
import type { Clock } from '../../lib/clock.ts'
import { bucketScript, bucketStandingScript } from './bucket-script.ts'
import type { BucketRules } from './limit-rules.ts'
import type { Sender } from './redis-script.ts'
import { TurnBatches } from './turn-batches.ts'
import type { TellTime } from './window-limits.ts'

const longestWaitMs = 86_400_000

/** More would hold up Redis, and with it everybody else, for more than a millisecond. */
const mostInCall = 500

interface StepReply {
  readonly born: string
  readonly admitted: boolean
  /** Weighted tokens that wait. */
  readonly level: number
  /** Below 0 for ever. */
  readonly waitMs: number
}

interface Step {
  readonly rules: BucketRules
  readonly args: readonly [kind: 'd' | 'a', weightedTokens: string, born: string]
  readonly resolve: (reply: StepReply) => void
  readonly reject: (error: unknown) => void
}

/** The limits of provisioned deployments, kept in Redis. */
export class BucketLimits {
  readonly #sender: Sender
  readonly #now: () => string
  readonly #batches: TurnBatches<Step>
  readonly #onLevel: (key: string, rules: BucketRules, level: number) => void

  /** @param onLevel hears of each level that becomes known, in weighted tokens */
  constructor(
    sender: Sender,
    clock: Clock,
    onLevel: (key: string, rules: BucketRules, level: number) => void,
    tellTime?: TellTime,
  ) {
    this.#sender = sender
    this.#now = () => (tellTime ? String(tellTime()) : '')
    this.#onLevel = onLevel
    this.#batches = new TurnBatches(clock, (key, steps) => this.#send(key, steps))
  }

  /** Admits a request and charges it, or refuses it; rejects when Redis is slow or away. */
  async decide(key: string, rules: BucketRules, estimate: number): Promise<LimitResult<RedisCharge>> {
    const { born, admitted, level, waitMs } = await this.#step(key, rules, 'd', estimate, '')
    const status = { utilization: utilization(rules, level) }
    if (!admitted) {
      const retryAfterMs = waitMs < 0 ? longestWaitMs : Math.min(waitMs, longestWaitMs)
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
          // While Redis is away, what it said last is what is known.
          const known = await this.#step(key, rules, 'a', delta, born).catch(() => ({ level: level + delta }))
          return utilization(rules, known.level)
        },
        settle: (usage) => {
          const delta = (usage ? rules.weigh(usage) : 0) - charged
          if (delta !== 0) this.#step(key, rules, 'a', delta, born, false).catch(() => {})
        },
      },
    }
  }

  /** How a deployment stands; rejects when Redis is slow or away. */
  async standing(key: string, rules: BucketRules): Promise<ProvisionedStanding> {
    return rules.standing(Number(await bucketStandingScript.run(this.#sender, key, [this.#now()])))
  }

  #step(
    key: string,
    rules: BucketRules,
    kind: 'd' | 'a',
    weightedTokens: number,
    born: string,
    isWaitedFor = true,
  ): Promise<StepReply> {
    return new Promise((resolve, reject) => {
      const args = [kind, String(weightedTokens), born] as const
      this.#batches.add(key, { rules, args, resolve, reject }, isWaitedFor)
    })
  }

  #send(key: string, steps: readonly Step[]): void {
    for (let from = 0; from < steps.length;) {
      const { rules } = steps[from] as Step
      let end = from + 1
      while (end < steps.length && end - from < mostInCall && steps[end]?.rules === rules) end++
      void this.#ask(key, rules, steps.slice(from, end))
      from = end
    }
  }

  async #ask(key: string, rules: BucketRules, steps: readonly Step[]): Promise<void> {
    try {
      const args = [this.#now(), String(rules.tokensPerMinute), String(rules.spanMs)]
      for (const step of steps) args.push(...step.args)
      const [born, ...flat] = (await bucketScript.run(this.#sender, key, args)) as [string, ...unknown[]]
      for (const [index, { resolve }] of steps.entries()) {
        const [admitted, level, waitMs] = flat.slice(index * 3, index * 3 + 3).map(Number)
        resolve({ born, admitted: admitted === 1, level: level ?? 0, waitMs: waitMs ?? 0 })
      }
      this.#onLevel(key, rules, Number(flat.at(-2)))
    } catch (error) {
      for (const { reject } of steps) reject(error)
    }
  }
}

function utilization({ tokensPerMinute, spanMs }: BucketRules, level: number): number {
  const capacity = (tokensPerMinute / 60_000) * spanMs
  return capacity === 0 ? 1 : level / capacity
}
