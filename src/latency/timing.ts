import type { ResourceConfig, Latency, TokenLatency } from '../config/config.ts'
import type { Deployment } from '../config/deployments.ts'
import { type Distribution, drawMs } from '../config/distribution.ts'
import {
  type Burst,
  type LatencyProfile,
  type LatencyProfileChoice,
  latencyProfiles,
  profileOfModel,
} from '../config/latency-profiles.ts'
import type { Operation } from '../wire/route.ts'
import type { IncidentEffects } from '../pipeline/exchange.ts'
import type { Schedule } from '../pipeline/reply.ts'
import type { Steps } from '../answer/completion.ts'
import type { Random } from '../lib/random.ts'

/** Times of an answer that is written token by token. */
export interface TokenTiming {
  readonly kind: 'tokens'
  readonly firstToken: Distribution
  /**
   * Whether the first token is delayed by `perToken` in addition to `firstToken`. True for environment variables, where N tokens take
   * N times the mean. In a profile or a file, `firstToken` is the whole time to the first token.
   */
  readonly delaysFirstToken: boolean
  readonly perToken: Distribution
  readonly promptMsPerToken: number
  /** Undefined: a hidden token takes `perToken`. */
  readonly reasoningMsPerToken: number | undefined
  /** Undefined: tokens arrive one by one. */
  readonly burst: Burst | undefined
}

/** Time of an answer that is sent as a whole. */
export interface RequestTiming {
  readonly kind: 'request'
  readonly perRequest: Distribution
  /** Whether `perRequest` is for each MB (1,048,576 bytes) of the request. */
  readonly perMegabyte: boolean
  readonly promptMsPerToken: number
}

export type Timing = TokenTiming | RequestTiming

/**
 * The times of an operation on a deployment: from its `latency`, else from its profile, else from the environment variables.
 * Undefined for operations without a setting.
 */
export function timingOf(
  operation: Operation | undefined,
  deployment: Deployment | undefined,
  environment: ResourceConfig['latency'],
): Timing | undefined {
  const own: LatencyProfile = deployment?.latency ?? {}
  const profile = profileOf(deployment, deployment?.latency?.profile ?? environment.profile)
  switch (operation) {
    case 'chatCompletions':
    case 'responses':
    case 'compactConversation':
    case 'messages':
      return tokenTiming(own, profile, environment.chatCompletions)
    case 'completions':
      return tokenTiming(own, profile, environment.completions)
    case 'embeddings':
      return requestTiming(own, profile, environment.embeddings, false)
    case 'transcriptions':
    case 'translations':
      return requestTiming(own, profile, environment.translations, true)
    default:
      return requestTiming(own, profile, undefined, false)
  }
}

function profileOf(deployment: Deployment | undefined, choice: LatencyProfileChoice): LatencyProfile {
  if (choice === 'off' || !deployment) return {}
  const name = choice === 'auto' ? profileOfModel(deployment.model) : choice
  return name === undefined ? {} : latencyProfiles[name]
}

function tokenTiming(own: LatencyProfile, named: LatencyProfile, base: TokenLatency): TokenTiming {
  // The setting can select a profile that does not apply to this operation.
  const profile: LatencyProfile = named.perToken ? named : {}
  const merged = { ...profile, ...own }
  const burst = merged.burst
  return {
    kind: 'tokens',
    firstToken: merged.firstToken ?? normal(base.firstToken),
    delaysFirstToken: merged.firstToken === undefined,
    perToken: merged.perToken ?? normal(base.perToken),
    promptMsPerToken: merged.promptMsPerToken ?? 0,
    reasoningMsPerToken: merged.reasoningMsPerToken,
    burst: burst === 'off' ? undefined : burst,
  }
}

function requestTiming(
  own: LatencyProfile,
  named: LatencyProfile,
  base: Latency | undefined,
  perMegabyte: boolean,
): RequestTiming | undefined {
  const profile: LatencyProfile = named.perRequest ? named : {}
  const perRequest = own.perRequest ?? profile.perRequest
  const promptMsPerToken = own.promptMsPerToken ?? profile.promptMsPerToken ?? 0
  if (perRequest) return { kind: 'request', perRequest, perMegabyte: false, promptMsPerToken }
  return base && { kind: 'request', perRequest: normal(base), perMegabyte, promptMsPerToken }
}

function normal({ meanMs, stdDevMs }: Latency): Distribution {
  return stdDevMs === 0
    ? { distribution: 'constant', ms: meanMs }
    : { distribution: 'normal', meanMs, stdDevMs }
}

const noSteps = new Float64Array(0)

/** Values of one request that determine the times of its answer. */
export interface Work {
  /** When the model starts, in milliseconds from the start of the request. */
  readonly beginMs: number
  /** Tokens of the prompt that are not in the prompt cache. */
  readonly promptTokens: number
  /** Factor of all times: time scale and slowdown by load. Above 0. */
  readonly factor: number
  /** Effects of an incident on the times. */
  readonly conditions?: Pick<IncidentEffects, 'firstTokenFactor' | 'perTokenFactor'> | undefined
}

/**
 * Draws the due time of each token: the first one after `firstToken`, the time of the prompt and the hidden tokens, each next one
 * `perToken` later. An answer without streaming takes as long as a stream.
 */
export function planTokens(steps: Steps, timing: TokenTiming, work: Work, random: Random): Schedule {
  const { perToken, reasoningMsPerToken } = timing
  const { beginMs, factor, conditions } = work
  const tokenFactor = conditions?.perTokenFactor ?? 1
  let dueMs = drawMs(timing.firstToken, random) + timing.promptMsPerToken * work.promptTokens
  if (conditions) dueMs *= conditions.firstTokenFactor
  const hiddenMs = beginMs + dueMs * factor
  if (reasoningMsPerToken !== undefined) dueMs += reasoningMsPerToken * steps.hidden * tokenFactor
  else for (let i = 0; i < steps.hidden; i++) dueMs += drawMs(perToken, random) * tokenFactor

  const stepsMs = steps.visible > 0 ? new Float64Array(steps.visible) : noSteps
  for (let i = 0; i < stepsMs.length; i++) {
    if (i > 0 || timing.delaysFirstToken) dueMs += drawMs(perToken, random) * tokenFactor
    stepsMs[i] = beginMs + dueMs * factor
  }
  const endMs = beginMs + dueMs * factor
  const firstMs = steps.hidden > 0 ? hiddenMs : (stepsMs[0] ?? endMs)
  const { burst } = timing
  if (burst?.tokens) groupBySize(stepsMs, burst.tokens, random)
  if (!burst?.interval || stepsMs.length === 0) return { stepsMs, endMs, firstMs }
  const [headMs = endMs] = stepsMs
  groupByTime(stepsMs, burst.interval, factor, random)
  return { stepsMs, endMs, firstMs, headMs }
}

/**
 * Groups tokens into bursts, like a content filter that checks text before it is sent: a burst is due with its last token. The first
 * token is separate, so that its time and the end do not change.
 */
function groupBySize(stepsMs: Float64Array, [min, max]: readonly [number, number], random: Random): void {
  for (let start = 1; start < stepsMs.length;) {
    const end = Math.min(stepsMs.length, start + min + random.below(max - min + 1))
    stepsMs.fill(stepsMs[end - 1] ?? 0, start, end)
    start = end
  }
}

/**
 * Groups tokens into bursts, like a content filter that buffers text for a time: a burst is due `interval` after its first token, or
 * with the last token of the answer. The end does not change.
 */
function groupByTime(stepsMs: Float64Array, interval: Distribution, factor: number, random: Random): void {
  const lastMs = stepsMs.at(-1) ?? 0
  for (let start = 0; start < stepsMs.length;) {
    const flushMs = Math.min(lastMs, (stepsMs[start] ?? 0) + drawMs(interval, random) * factor)
    let end = start + 1
    while (end < stepsMs.length && (stepsMs[end] ?? 0) <= flushMs) end++
    stepsMs.fill(flushMs, start, end)
    start = end
  }
}

/**
 * Draws the due time of an answer that is sent as a whole.
 *
 * @param units factor of the time: the size of the request in megabytes if `perMegabyte`, else 1
 */
export function planRequest(timing: RequestTiming, units: number, work: Work, random: Random): Schedule {
  const durationMs = drawMs(timing.perRequest, random) * units + timing.promptMsPerToken * work.promptTokens
  const factor = work.factor * (work.conditions?.firstTokenFactor ?? 1)
  return { stepsMs: noSteps, endMs: work.beginMs + durationMs * factor }
}
