import { hasLimits, limitKeys, requestsLimitOf } from '../config/deployment-limits.ts'
import type { LimitProfileName, Deployment } from '../config/deployments.ts'
import type { RateLimitStyle } from '../wire/service-headers.ts'
import { isClaude } from '../wire/models/claude-traits.ts'
import { RecentMap } from '../lib/caches.ts'
import { type ProvisionedPlan, provisionedPlanOf } from './provisioned-limiter.ts'

/** Rules of the rate limits of the service in one era, including its headers. */
export interface LimitProfile extends RateLimitStyle {
  readonly name: LimitProfileName
  readonly estimate: EstimateRule
  /** Whether the estimate is replaced with the actual usage when the answer ends. */
  readonly correctsEstimate: boolean
  /** Window of `remaining-requests`: a minute or a slice. */
  readonly requestsPer: 'minute' | 'slice'
  /** Whether `remaining-tokens` is negative while more tokens are used than the limit. If false, it is 0. */
  readonly showsOveruse: boolean
}

/** How the tokens of a request are estimated on arrival. */
export interface EstimateRule {
  /** Whether the characters of the prompt count, four per token. */
  readonly countsPrompt: boolean
  /** Characters that each message after the first adds. */
  readonly charsBetweenMessages: number
  /** Tokens that every chat request adds. */
  readonly overheadTokens: number
  /** Estimated tokens of a completion if the request sets no limit. */
  readonly defaultMaxTokens: number
}

/** The eras. Derived from captures: `remaining-tokens` after a first request in the cassettes of openllmetry, elastic and crewAI. */
const profiles: Readonly<Record<LimitProfileName, LimitProfile>> = {
  // gpt-35-turbo, gpt-4-32k: 120,000 is 119,984 after a first request of any length.
  '2024-02': {
    name: '2024-02',
    estimate: { countsPrompt: false, charsBetweenMessages: 0, overheadTokens: 0, defaultMaxTokens: 16 },
    correctsEstimate: false,
    sendsLimit: false,
    sendsKey: false,
    resetUnit: 'none',
    requestsPer: 'slice',
    showsOveruse: false,
  },
  // gpt-4o(-mini): 67 characters cost 657, and 117 with max_tokens 100.
  '2024-10': {
    name: '2024-10',
    estimate: { countsPrompt: true, charsBetweenMessages: 3, overheadTokens: 0, defaultMaxTokens: 640 },
    correctsEstimate: false,
    sendsLimit: true,
    sendsKey: false,
    resetUnit: 'none',
    requestsPer: 'slice',
    showsOveruse: false,
  },
  // gpt-5-nano: 23 characters cost 6.
  '2025-08': {
    name: '2025-08',
    estimate: { countsPrompt: true, charsBetweenMessages: 0, overheadTokens: 0, defaultMaxTokens: 0 },
    correctsEstimate: true,
    sendsLimit: true,
    sendsKey: false,
    resetUnit: 'none',
    requestsPer: 'minute',
    showsOveruse: false,
  },
  // gpt-4.1-mini: 34 characters cost 14 in all captures. The reason for the 5 additional tokens is unknown.
  '2026-03': {
    name: '2026-03',
    estimate: { countsPrompt: true, charsBetweenMessages: 0, overheadTokens: 5, defaultMaxTokens: 0 },
    correctsEstimate: true,
    sendsLimit: true,
    sendsKey: false,
    resetUnit: 'milliseconds',
    requestsPer: 'minute',
    showsOveruse: false,
  },
  '2026-08': {
    name: '2026-08',
    estimate: { countsPrompt: true, charsBetweenMessages: 0, overheadTokens: 5, defaultMaxTokens: 0 },
    correctsEstimate: true,
    sendsLimit: true,
    sendsKey: true,
    resetUnit: 'seconds',
    requestsPer: 'minute',
    showsOveruse: false,
  },
  // gpt-5-mini, limit 333,000: -27,689 on a refused stream and -27,978 on one that was served, 2026-08-20.
  '2026-09': {
    name: '2026-09',
    estimate: { countsPrompt: true, charsBetweenMessages: 0, overheadTokens: 5, defaultMaxTokens: 0 },
    correctsEstimate: true,
    sendsLimit: true,
    sendsKey: true,
    resetUnit: 'seconds',
    requestsPer: 'minute',
    showsOveruse: true,
  },
}

/** The rules of an era. */
export function limitProfile(name: LimitProfileName): LimitProfile {
  return profiles[name]
}

const scaled = new WeakMap<Deployment, { readonly factor: number; readonly deployment: Deployment }>()

/**
 * A deployment with limits multiplied by the factor of an incident, at least one token, request or unit. Returns the same object for
 * the same factor, so that its limiter is updated once.
 */
export function scaleLimits(deployment: Deployment, factor: number): Deployment {
  if (factor === 1) return deployment
  const cached = scaled.get(deployment)
  if (cached?.factor === factor) return cached.deployment
  const limits = limitKeys.flatMap((key) => {
    const limit = deployment[key]
    return limit === undefined ? [] : [[key, Math.max(1, Math.round(limit * factor))]]
  })
  const made: Deployment = { ...deployment, ...Object.fromEntries(limits) }
  scaled.set(deployment, { factor, deployment: made })
  return made
}

/** Window of the tokens limit, in milliseconds. */
export const TOKENS_WINDOW_MS = 60_000

/** Window of the requests in headers, in milliseconds. */
export const REQUESTS_WINDOW_MS = 60_000

/** Limits of a pay-as-you-go deployment, with their windows. */
export interface LimitPlan {
  /** Tokens in 60 seconds; Infinity if tokens are not limited. */
  readonly tokens: number
  /** Requests in 60 seconds, as in the headers. */
  readonly requestsPerMinute: number
  /** The enforced limit of requests, in a shorter window. */
  readonly slice: { readonly windowMs: number; readonly requests: number }
}

/**
 * The pay-as-you-go limits of a deployment; undefined without limits.
 *
 * `requestsPerMinute` defaults to the tokens times the ratio of the model, rounded up (Microsoft Learn, quotas and limits; 6 requests
 * per 1,000 tokens unless the catalogue has another ratio).
 *
 * The service counts requests in windows of 1 or 10 seconds (documentation), or of a minute for a very low limit (captured: 5
 * requests per minute, renewed in 60 seconds). The limit of a window is rounded up. Otherwise a client with evenly spaced requests
 * would be rejected below its limit.
 */
export function limitPlanOf(deployment: Deployment): LimitPlan | undefined {
  if (!hasLimits(deployment)) return undefined
  const { tokensPerMinute, inputTokensPerMinute } = deployment
  const requestsPerMinute = requestsLimitOf(deployment) ?? UNLIMITED_REQUESTS
  return {
    tokens: tokensPerMinute ?? inputTokensPerMinute ?? Infinity,
    requestsPerMinute,
    slice: sliceOf(requestsPerMinute, deployment.requestsSliceSeconds ?? 10),
  }
}

/** More requests than a minute can have. Finite, because plans are sent to other processes and to Redis as JSON. */
const UNLIMITED_REQUESTS = 1_000_000_000

/** Whether a limit of requests applies. Claude deployments can have only limits of tokens. */
export function limitsRequests({ requestsPerMinute }: Pick<LimitPlan, 'requestsPerMinute'>): boolean {
  return requestsPerMinute < UNLIMITED_REQUESTS
}

function sliceOf(requestsPerMinute: number, seconds: number): LimitPlan['slice'] {
  const slices = 60 / seconds
  if (requestsPerMinute < slices) return { windowMs: REQUESTS_WINDOW_MS, requests: requestsPerMinute }
  return { windowMs: seconds * 1_000, requests: Math.ceil(requestsPerMinute / slices) }
}

/** The current limits of a deployment, as plain data. */
export type DeploymentLimits =
  | { readonly kind: 'pay-as-you-go'; readonly plan: LimitPlan; readonly profileName: LimitProfileName }
  | { readonly kind: 'provisioned'; readonly plan: ProvisionedPlan }

const cachedLimits = new WeakMap<
  Deployment,
  { readonly profileName: LimitProfileName; readonly limits: DeploymentLimits | undefined }
>()

/**
 * The limits of a deployment; undefined without limits. Returns the same object while they are unchanged.
 *
 * @param factor factor of an incident; 1 without one
 */
export function limitsOf(
  deployment: Deployment,
  profileName: LimitProfileName,
  factor: number,
): DeploymentLimits | undefined {
  if (!hasLimits(deployment)) return undefined
  const limited = scaleLimits(deployment, factor)
  const found = cachedLimits.get(limited)
  if (found?.profileName === profileName) return found.limits
  const limits = makeLimits(limited, profileName)
  cachedLimits.set(limited, { profileName, limits })
  return limits
}

const cachedOutputLimits = new WeakMap<Deployment, DeploymentLimits>()

/** The limit of output tokens of a Claude deployment, which is counted apart; undefined without one. */
export function outputLimitsOf(deployment: Deployment, factor: number): DeploymentLimits | undefined {
  const limited = scaleLimits(deployment, factor)
  const { outputTokensPerMinute: tokens } = limited
  if (tokens === undefined) return undefined
  let limits = cachedOutputLimits.get(limited)
  if (!limits) {
    const requestsPerMinute = UNLIMITED_REQUESTS
    const plan = { tokens, requestsPerMinute, slice: sliceOf(requestsPerMinute, 60) }
    limits = { kind: 'pay-as-you-go', plan, profileName: CLAUDE_PROFILE }
    cachedOutputLimits.set(limited, limits)
  }
  return limits
}

/** The usage counts, not the estimate. */
const CLAUDE_PROFILE: LimitProfileName = '2026-09'

/** The name under which the output tokens of a deployment are counted. No deployment can have it. */
export function outputSubjectName(deployment: string): string {
  return `${deployment}\toutput`
}

function makeLimits(deployment: Deployment, profileName: LimitProfileName): DeploymentLimits | undefined {
  const provisioned = provisionedPlanOf(deployment)
  if (provisioned) return { kind: 'provisioned', plan: provisioned }
  const plan = limitPlanOf(deployment)
  return (
    plan && {
      kind: 'pay-as-you-go',
      plan,
      profileName: isClaude(deployment.model) ? CLAUDE_PROFILE : profileName,
    }
  )
}

const MAX_CACHED_TEXTS = 16_384
const texts = new WeakMap<DeploymentLimits, string>()
const byText = new RecentMap<string, DeploymentLimits>(MAX_CACHED_TEXTS)

/** The limits as text for another process, cached for each object. */
export function limitsToText(limits: DeploymentLimits): string {
  let text = texts.get(limits)
  if (text === undefined) texts.set(limits, (text = JSON.stringify(limits)))
  return text
}

/** Parses the text of `limitsToText`. Returns the same object for the same text. */
export function limitsFromText(text: string): DeploymentLimits {
  let limits = byText.get(text)
  if (!limits) {
    // JSON has no Infinity. Only tokens can be infinite.
    const read = (key: string, value: unknown): unknown =>
      key === 'tokens' && value === null ? Infinity : value
    limits = JSON.parse(text, read) as DeploymentLimits
    byText.set(text, limits)
  }
  return limits
}
