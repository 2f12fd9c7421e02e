import type { LiveConfig } from '../../config/live-config.ts'
import type { Decision, LimitAuthority, Standing } from '../../limits/limit-authority.ts'
import type { Clock } from '../../lib/clock.ts'
import type { LimitAsk, LimitMethods, SentDecision, SentStanding } from './limit-messages.ts'

type Admitted = Decision & { readonly admitted: true }

/** Decisions of a worker that can still be settled. Answers that tell no usage never are, and may not pile up. */
export const mostUnsettled = 100_000

/** What the limits of the primary are asked through. */
export interface LimitDeskParts {
  readonly live: Pick<LiveConfig, 'current'>
  readonly limits: LimitAuthority
  readonly clock: Clock
}

/** Answers what one worker asks the limits, and holds its decisions until they are settled. */
export class LimitDesk {
  readonly #parts: LimitDeskParts
  readonly #unsettled = new Map<number, Admitted>()
  #lastNumber = 0
  #isReleased = false

  constructor(parts: LimitDeskParts) {
    this.#parts = parts
  }

  readonly methods: LimitMethods = {
    'limits.decide': (ask) => this.#decide(ask),
    'limits.settle': ([number, sent]) => {
      const decision = this.#unsettled.get(number)
      this.#unsettled.delete(number)
      if (!sent) {
        decision?.settle(undefined, this.#parts.clock.nowMs())
        return
      }
      const [promptTokens, cachedTokens, completionTokens, reasoningTokens] = sent
      const usage = { promptTokens, cachedTokens, completionTokens, reasoningTokens }
      decision?.settle(usage, this.#parts.clock.nowMs())
    },
    'limits.discount': ([number, cachedTokens]) =>
      this.#unsettled.get(number)?.discount?.(cachedTokens, this.#parts.clock.nowMs()) ?? null,
  }

  /** The worker is gone, and with it the requests that it was answering: they have used nothing. */
  release(): void {
    this.#isReleased = true
    for (const decision of this.#unsettled.values()) decision.settle(undefined, this.#parts.clock.nowMs())
    this.#unsettled.clear()
  }

  #decide(ask: LimitAsk): SentDecision | Promise<SentDecision> {
    const [resource, name, profileName, limitFactor, promptTokens, completionTokens] = ask
    const { live, limits, clock } = this.#parts
    const deployment = live.current.resources.get(resource)?.deployments.get(name)
    if (!deployment) return null
    const cost = { promptTokens, completionTokens }
    const decision = limits.decide({ resource, deployment, profileName, limitFactor, cost }, clock.nowMs())
    return decision instanceof Promise ? decision.then((known) => this.#send(known)) : this.#send(decision)
  }

  #send(decision: Decision | undefined): SentDecision {
    if (!decision) return null
    const standing = sentStanding(decision.standing)
    if (!decision.admitted) return { refused: decision.kind, retryAfterMs: decision.retryAfterMs, standing }
    // A worker may die while a shared store is asked for it.
    if (this.#isReleased) decision.settle(undefined, this.#parts.clock.nowMs())
    const number = ++this.#lastNumber
    this.#unsettled.set(number, decision)
    if (this.#unsettled.size > mostUnsettled) this.#forgetOldest()
    return { number, standing, discounts: decision.discount !== undefined }
  }

  #forgetOldest(): void {
    for (const oldest of this.#unsettled.keys()) {
      this.#unsettled.delete(oldest)
      return
    }
  }
}

function sentStanding({ rateLimits, utilization }: Standing): SentStanding {
  return { requests: rateLimits?.requests, tokens: rateLimits?.tokens, utilization }
}
