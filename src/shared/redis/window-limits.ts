import { NEVER_FITS_RETRY_AFTER_SECONDS } from '../../wire/errors.ts'
import type { LimitResult } from '../../limits/rate-limiter.ts'
import type { RedisCharge } from './redis-limits.ts'
import type { PayAsYouGoStatus } from '../../limits/limit-status.ts'
import type { Clock } from '../../lib/clock.ts'
import type { WindowBucket, WindowRules } from './limit-rules.ts'
import type { Sender } from './redis-script.ts'
import { TickBatcher } from './tick-batcher.ts'
import { windowScript, windowStatusScript } from './window-script.ts'

/** More would hold up Redis, and with it everybody else, for more than a millisecond. */
const MAX_ITEMS_PER_CALL = 500

const BUCKET_MS = 100

/** Larger than any sum of tokens; Lua reads no word for infinity. */
const UNLIMITED = 1e300

const MAX_WAIT_MS = NEVER_FITS_RETRY_AFTER_SECONDS * 1_000

/** Names what was charged: when the windows began, so that those that were cleared since are left alone, and the bucket. */
interface Charge {
  readonly born: string
  readonly tick: number
}

interface PendingRequest {
  readonly rules: WindowRules
  readonly estimate: number
  readonly resolve: (decision: LimitResult<RedisCharge>) => void
  readonly reject: (error: unknown) => void
}

type Item = PendingRequest | { readonly charge: Charge; readonly delta: number }

/** Tells the time to Redis; absent, its own counts, which is the same for all simulators. */
export type TellTime = () => number

/** The limits of pay-as-you-go deployments, kept in Redis. */
export class WindowLimits {
  readonly #sender: Sender
  readonly #now: () => string
  readonly #batches: TickBatcher<Item>

  constructor(sender: Sender, clock: Clock, tellTime?: TellTime) {
    this.#sender = sender
    this.#now = () => (tellTime ? String(tellTime()) : '')
    this.#batches = new TickBatcher(clock, (key, items) => this.#send(key, items))
  }

  /** Admits a request and charges it, or refuses it; rejects when Redis is slow or away. */
  decide(key: string, rules: WindowRules, estimate: number): Promise<LimitResult<RedisCharge>> {
    return new Promise((resolve, reject) => {
      this.#batches.add(key, { rules, estimate, resolve, reject }, true)
    })
  }

  /** How a deployment stands; rejects when Redis is slow or away. */
  async status(key: string, rules: WindowRules): Promise<PayAsYouGoStatus> {
    const [now, ...flat] = (await windowStatusScript.run(this.#sender, key, [this.#now()])) as [
      string,
      ...number[],
    ]
    const buckets: WindowBucket[] = []
    for (let at = 0; at < flat.length; at += 3) {
      const [tick = 0, tokens = 0, requests = 0] = flat.slice(at, at + 3)
      buckets.push({ tick, tokens, requests })
    }
    return rules.status(buckets, Number(now))
  }

  #send(key: string, items: Item[]): void {
    let corrections = joinCorrections(items)
    const questions = items.filter((item) => 'rules' in item)
    if (questions.length === 0) {
      // Nobody waits for it, and what cannot be corrected stays charged as estimated until it leaves the window.
      windowScript.run(this.#sender, key, this.#args(undefined, corrections)).catch(() => {})
    }
    for (let from = 0; from < questions.length;) {
      const { rules } = questions[from] as PendingRequest
      let end = from + 1
      while (end < questions.length && end - from < MAX_ITEMS_PER_CALL && questions[end]?.rules === rules)
        end++
      void this.#ask(key, rules, corrections, questions.slice(from, end))
      corrections = []
      from = end
    }
  }

  async #ask(
    key: string,
    rules: WindowRules,
    corrections: readonly string[],
    questions: readonly PendingRequest[],
  ): Promise<void> {
    try {
      const args = this.#args(rules, corrections)
      for (const { estimate } of questions) args.push(String(estimate))
      const reply = (await windowScript.run(this.#sender, key, args)) as [string, ...number[]]
      const charge = { born: reply[0], tick: Number(reply[1]) }
      for (const [index, { estimate, resolve }] of questions.entries()) {
        resolve(this.#decision(key, rules, charge, estimate, reply, 2 + index * 5))
      }
    } catch (error) {
      for (const { reject } of questions) reject(error)
    }
  }

  #decision(
    key: string,
    rules: WindowRules,
    charge: Charge,
    estimate: number,
    reply: readonly [string, ...number[]],
    at: number,
  ): LimitResult<RedisCharge> {
    const [went = 0, tokens = 0, sliceRequests = 0, requests = 0, waitMs = 0] = reply.slice(
      at,
      at + 5,
    ) as number[]
    const status = rules.remaining({ tokens, requests, sliceRequests })
    if (went < 2) {
      const retryAfterMs = waitMs < 0 ? MAX_WAIT_MS : Math.min(waitMs, MAX_WAIT_MS)
      return { admitted: false, kind: went === 1 ? 'token' : 'call', retryAfterMs, status }
    }
    return {
      admitted: true,
      status,
      lease: {
        settle: (usage) => {
          const used = usage ? usage.promptTokens + usage.completionTokens : 0
          if (used === estimate || (usage && !rules.correctsEstimate)) return
          this.#batches.add(key, { charge, delta: used - estimate }, false)
        },
        discount: () => undefined,
      },
    }
  }

  /** @param rules undefined where nothing is to be decided */
  #args(rules: WindowRules | undefined, corrections: readonly string[]): string[] {
    const limits = rules
      ? [Math.min(rules.tokens, UNLIMITED), rules.slice.windowMs / BUCKET_MS, rules.slice.requests]
      : [0, 0, 0]
    return [this.#now(), ...limits.map(String), String(corrections.length / 3), ...corrections]
  }
}

/** All corrections of one bucket are one: answers of requests that came together often end together. */
function joinCorrections(items: readonly Item[]): readonly string[] {
  const joined = new Map<string, { readonly charge: Charge; delta: number }>()
  for (const item of items) {
    if (!('charge' in item)) continue
    const { charge, delta } = item
    const name = `${charge.born} ${charge.tick}`
    const known = joined.get(name)
    if (known) known.delta += delta
    else joined.set(name, { charge, delta })
  }
  return [...joined.values()].flatMap(({ charge, delta }) => [
    charge.born,
    String(charge.tick),
    String(delta),
  ])
}
