import type { LimitProfileName } from '../config/deployment-limits.ts'
import type { RateLimitStyle } from '../wire/service-headers.ts'

/** How the service of one era takes its limits, and what its headers tell of them. */
export interface LimitProfile extends RateLimitStyle {
  readonly name: LimitProfileName
  readonly estimate: EstimateRule
  /** Whether a request is charged with its true usage when its answer ends, in place of the estimate. */
  readonly correctsEstimate: boolean
  /** What `remaining-requests` counts down from: the minute's requests, or those of one slice. */
  readonly requestsPer: 'minute' | 'slice'
}

/** What a text request is charged with on arrival, in tokens. */
export interface EstimateRule {
  /** Whether the prompt's characters are charged; four make a token. */
  readonly countsPrompt: boolean
  /** Characters that each message after the first adds. */
  readonly charsBetweenMessages: number
  /** Tokens that every chat request adds. */
  readonly overheadTokens: number
  /** What a completion is taken for when the request sets no limit. */
  readonly defaultMaxTokens: number
}

/**
 * The eras, as far as captures show them. Derived from the `remaining-tokens` of openllmetry's, elastic's and crewAI's
 * cassettes: what a first request took from the limit.
 */
const profiles: Readonly<Record<LimitProfileName, LimitProfile>> = {
  // gpt-35-turbo, gpt-4-32k: 120,000 is 119,984 after a first request of any length.
  '2024-02': {
    name: '2024-02',
    estimate: { countsPrompt: false, charsBetweenMessages: 0, overheadTokens: 0, defaultMaxTokens: 16 },
    correctsEstimate: false,
    tellsLimit: false,
    tellsKey: false,
    resetUnit: 'none',
    requestsPer: 'slice',
  },
  // gpt-4o(-mini): 67 characters cost 657, and 117 with max_tokens 100.
  '2024-10': {
    name: '2024-10',
    estimate: { countsPrompt: true, charsBetweenMessages: 3, overheadTokens: 0, defaultMaxTokens: 640 },
    correctsEstimate: false,
    tellsLimit: true,
    tellsKey: false,
    resetUnit: 'none',
    requestsPer: 'slice',
  },
  // gpt-5-nano: 23 characters cost 6.
  '2025-08': {
    name: '2025-08',
    estimate: { countsPrompt: true, charsBetweenMessages: 0, overheadTokens: 0, defaultMaxTokens: 0 },
    correctsEstimate: true,
    tellsLimit: true,
    tellsKey: false,
    resetUnit: 'none',
    requestsPer: 'minute',
  },
  // gpt-4.1-mini: 34 characters cost 14 in every capture; nobody knows what the five are.
  '2026-03': {
    name: '2026-03',
    estimate: { countsPrompt: true, charsBetweenMessages: 0, overheadTokens: 5, defaultMaxTokens: 0 },
    correctsEstimate: true,
    tellsLimit: true,
    tellsKey: false,
    resetUnit: 'milliseconds',
    requestsPer: 'minute',
  },
  '2026-08': {
    name: '2026-08',
    estimate: { countsPrompt: true, charsBetweenMessages: 0, overheadTokens: 5, defaultMaxTokens: 0 },
    correctsEstimate: true,
    tellsLimit: true,
    tellsKey: true,
    resetUnit: 'seconds',
    requestsPer: 'minute',
  },
}

/** The rules of an era. */
export function limitProfile(name: LimitProfileName): LimitProfile {
  return profiles[name]
}
