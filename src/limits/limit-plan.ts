import { derivedRequestsPerMinute, type LimitProfileName, type Deployment } from '../config/deployments.ts'
import type { MinuteLimits } from './occupancy.ts'
import type { RateLimitStyle } from '../wire/service-headers.ts'
import { RecentMap } from '../lib/caches.ts'
import { type ProvisionedPlan, provisionedPlanOf } from './provisioned-limiter.ts'

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

const scaled = new WeakMap<Deployment, { readonly factor: number; readonly deployment: Deployment }>()

/**
 * A deployment as an incident limits it, at least to one token, request or unit. The same object is given while the
 * factor stays, so that its limiter is adapted once and what was used stays used.
 */
export function scaleLimits(deployment: Deployment, factor: number): Deployment {
  if (factor === 1) return deployment
  const known = scaled.get(deployment)
  if (known?.factor === factor) return known.deployment
  const { tokensPerMinute, requestsPerMinute, provisionedThroughputUnits } = deployment
  const scale = (limit: number): number => Math.max(1, Math.round(limit * factor))
  const made: Deployment = {
    ...deployment,
    ...(tokensPerMinute !== undefined && { tokensPerMinute: scale(tokensPerMinute) }),
    ...(requestsPerMinute !== undefined && { requestsPerMinute: scale(requestsPerMinute) }),
    ...(provisionedThroughputUnits !== undefined && {
      provisionedThroughputUnits: scale(provisionedThroughputUnits),
    }),
  }
  scaled.set(deployment, { factor, deployment: made })
  return made
}

/** The span that the tokens limit is counted over, in milliseconds. */
export const TOKENS_WINDOW_MS = 60_000

/** The span that the requests of the headers are counted over, in milliseconds. */
export const REQUESTS_WINDOW_MS = 60_000

/** What a pay-as-you-go deployment may use, in the windows in which it is counted. */
export interface LimitPlan {
  /** Tokens in 60 seconds; Infinity where tokens are not limited. */
  readonly tokens: number
  /** Requests in 60 seconds, as the headers tell them. */
  readonly requestsPerMinute: number
  /** The shorter span in which requests are really counted, and how many it takes. */
  readonly slice: { readonly windowMs: number; readonly requests: number }
}

/**
 * The pay-as-you-go limits of a deployment; undefined when it has none.
 *
 * Without `requestsPerMinute` the requests follow from the tokens by the model's ratio (Microsoft Learn, quotas and
 * limits; 6 requests for each 1,000 tokens unless the catalogue says otherwise), rounded up.
 *
 * The service spreads requests over windows of 1 or 10 seconds (documentation), and over a minute where so few are
 * allowed (captured: 5 requests a minute, renewed in 60 seconds). The share of a window is rounded up, since an evenly
 * spaced client would else be refused below its limit.
 */
export function limitPlanOf(deployment: Deployment): LimitPlan | undefined {
  const { tokensPerMinute, model } = deployment
  const requestsPerMinute =
    deployment.requestsPerMinute ??
    (tokensPerMinute === undefined ? undefined : derivedRequestsPerMinute(tokensPerMinute, model))
  if (requestsPerMinute === undefined) return undefined
  return {
    tokens: tokensPerMinute ?? Infinity,
    requestsPerMinute,
    slice: sliceOf(requestsPerMinute, deployment.requestsSliceSeconds ?? 10),
  }
}

/** The limits of those deployments that are pay-as-you-go and limited. */
export function minuteLimitsOf(resource: string, deployments: Iterable<Deployment>): MinuteLimits[] {
  return Array.from(deployments).flatMap((deployment) => {
    const plan = deployment.provisionedThroughputUnits === undefined ? limitPlanOf(deployment) : undefined
    if (!plan) return []
    const tokens = plan.tokens === Infinity ? undefined : plan.tokens
    return [{ resource, deployment: deployment.name, tokens, requests: plan.requestsPerMinute }]
  })
}

function sliceOf(requestsPerMinute: number, seconds: number): LimitPlan['slice'] {
  const slices = 60 / seconds
  if (requestsPerMinute < slices) return { windowMs: REQUESTS_WINDOW_MS, requests: requestsPerMinute }
  return { windowMs: seconds * 1_000, requests: Math.ceil(requestsPerMinute / slices) }
}

/** The limits of a deployment at a moment, as plain data. */
export type DeploymentLimits =
  | { readonly kind: 'pay-as-you-go'; readonly plan: LimitPlan; readonly profileName: LimitProfileName }
  | { readonly kind: 'provisioned'; readonly plan: ProvisionedPlan }

const known = new WeakMap<
  Deployment,
  { readonly profileName: LimitProfileName; readonly limits: DeploymentLimits | undefined }
>()

/**
 * The limits of a deployment; undefined where it has none. The same object as long as they stay the same.
 *
 * @param factor what an incident multiplies them by; 1 changes nothing
 */
export function limitsOf(
  deployment: Deployment,
  profileName: LimitProfileName,
  factor: number,
): DeploymentLimits | undefined {
  if (!isLimited(deployment)) return undefined
  const limited = scaleLimits(deployment, factor)
  const found = known.get(limited)
  if (found?.profileName === profileName) return found.limits
  const limits = makeLimits(limited, profileName)
  known.set(limited, { profileName, limits })
  return limits
}

function isLimited(deployment: Deployment): boolean {
  const { tokensPerMinute, requestsPerMinute, provisionedThroughputUnits } = deployment
  return (
    tokensPerMinute !== undefined ||
    requestsPerMinute !== undefined ||
    provisionedThroughputUnits !== undefined
  )
}

function makeLimits(deployment: Deployment, profileName: LimitProfileName): DeploymentLimits | undefined {
  const provisioned = provisionedPlanOf(deployment)
  if (provisioned) return { kind: 'provisioned', plan: provisioned }
  const plan = limitPlanOf(deployment)
  return plan && { kind: 'pay-as-you-go', plan, profileName }
}

const MAX_CACHED_TEXTS = 16_384
const texts = new WeakMap<DeploymentLimits, string>()
const byText = new RecentMap<string, DeploymentLimits>(MAX_CACHED_TEXTS)

/** The limits as a text for another process, made once for each object. */
export function limitsToText(limits: DeploymentLimits): string {
  let text = texts.get(limits)
  if (text === undefined) texts.set(limits, (text = JSON.stringify(limits)))
  return text
}

/** The limits of such a text: the same object for the same text. */
export function limitsFromText(text: string): DeploymentLimits {
  let limits = byText.get(text)
  if (!limits) {
    // JSON has no infinity, which only tokens can be.
    const read = (key: string, value: unknown): unknown =>
      key === 'tokens' && value === null ? Infinity : value
    limits = JSON.parse(text, read) as DeploymentLimits
    byText.set(text, limits)
  }
  return limits
}
