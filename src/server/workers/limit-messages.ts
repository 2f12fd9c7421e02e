import type { LimitProfileName } from '../../config/deployment-limits.ts'
import type { LimitState } from '../../wire/service-headers.ts'

/** A question to the limits of a deployment; the primary knows the deployment by its name. */
export type LimitAsk = readonly [
  resource: string,
  deployment: string,
  profileName: LimitProfileName,
  limitFactor: number,
  promptTokens: number,
  completionTokens: number,
]

/** How limits stand, without the style of the headers: whoever asks knows it by the profile. */
export interface SentStanding {
  readonly requests?: LimitState | undefined
  readonly tokens?: LimitState | undefined
  readonly utilization?: number | undefined
}

/** A decision, on its way; null where the deployment has no limits. */
export type SentDecision =
  | {
      /** By which it is settled. */
      readonly number: number
      readonly standing: SentStanding
      /** Whether cached tokens can be taken out of the estimate. */
      readonly discounts: boolean
    }
  | {
      readonly refused: 'token' | 'call'
      readonly retryAfterMs: number
      readonly standing: SentStanding
    }
  | null

/** Prompt, cached, completion and reasoning tokens. */
export type SentUsage = readonly [prompt: number, cached: number, completion: number, reasoning: number]

/** What a worker asks the limits of the primary. */
export type LimitMethods = {
  'limits.decide': (ask: LimitAsk) => SentDecision | Promise<SentDecision>
  'limits.settle': (settled: readonly [number: number, usage: SentUsage | null]) => void
  /** Gives the utilisation after it; null for a decision that is no longer known. */
  'limits.discount': (
    discounted: readonly [number: number, cachedTokens: number],
  ) => number | null | Promise<number | null>
}
