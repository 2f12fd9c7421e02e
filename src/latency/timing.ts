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

/** The time of an answer that is written token by token. */
export interface TokenTiming {
  readonly kind: 'tokens'
  readonly firstToken: Distribution
  /**
   * Whether the first token takes a `perToken` time too, after `firstToken`. So it is with the environment's waits, where
   * N tokens take N times the mean; a profile or a file gives the time of the first token itself.
   */
  readonly delaysFirstToken: boolean
  readonly perToken: Distribution
  readonly promptMsPerToken: number
  /** Undefined: a hidden token takes a `perToken` time. */
  readonly reasoningMsPerToken: number | undefined
  /** Undefined: tokens arrive one by one. */
  readonly burst: Burst | undefined
}

/** The time of an answer that comes at once. */
export interface RequestTiming {
  readonly kind: 'request'
  readonly perRequest: Distribution
  /** Whether `perRequest` is for each MB (1,048,576 bytes) of the request. */
  readonly perMegabyte: boolean
  readonly promptMsPerToken: number
}

export type Timing = TokenTiming | RequestTiming

/**
 * How long answers of an operation take on a deployment: as its own `latency` says, else as its profile says, else as the
 * environment variables say. Undefined for operations that none of them gives a time.
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
  // A setting may name a profile for all deployments, those that it does not fit included.
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
  const given = own.perRequest ?? profile.perRequest
  const promptMsPerToken = own.promptMsPerToken ?? profile.promptMsPerToken ?? 0
  if (given) return { kind: 'request', perRequest: given, perMegabyte: false, promptMsPerToken }
  return base && { kind: 'request', perRequest: normal(base), perMegabyte, promptMsPerToken }
}

function normal({ meanMs, stdDevMs }: Latency): Distribution {
  return stdDevMs === 0
    ? { distribution: 'constant', ms: meanMs }
    : { distribution: 'normal', meanMs, stdDevMs }
}

const noSteps = new Float64Array(0)

/** What the time of one answer depends on beside its timing. */
export interface Work {
  /** When the model begins, in milliseconds from the start of the request. */
  readonly beginMs: number
  /** Tokens of the prompt that are not in the cache. */
  readonly promptTokens: number
  /** Multiplies every time of the model: the time scale, and what the deployment's load adds. Above 0. */
  readonly factor: number
  /** What an incident makes of the times; absent where there is none. */
  readonly conditions?: IncidentEffects | undefined
}

/**
 * When each token of an answer is due: the first one after its own wait, the prompt's cost and the hidden tokens, each
 * other one a draw after the one before. A whole answer takes as long as its stream.
 */
export function planTokens(steps: Steps, timing: TokenTiming, work: Work, random: Random): Schedule {
  const { perToken, reasoningMsPerToken } = timing
  const { beginMs, factor, conditions } = work
  const tokenFactor = conditions?.perTokenFactor ?? 1
  let dueMs = drawMs(timing.firstToken, random) + timing.promptMsPerToken * work.promptTokens
  if (conditions) dueMs *= conditions.firstTokenFactor
  if (reasoningMsPerToken !== undefined) dueMs += reasoningMsPerToken * steps.hidden * tokenFactor
  else for (let i = 0; i < steps.hidden; i++) dueMs += drawMs(perToken, random) * tokenFactor

  const stepsMs = steps.visible > 0 ? new Float64Array(steps.visible) : noSteps
  for (let i = 0; i < stepsMs.length; i++) {
    if (i > 0 || timing.delaysFirstToken) dueMs += drawMs(perToken, random) * tokenFactor
    stepsMs[i] = beginMs + dueMs * factor
  }
  if (timing.burst) applyBursts(stepsMs, timing.burst, random)
  return { stepsMs, endMs: beginMs + dueMs * factor }
}

/**
 * Lets tokens go in groups, as a filter does that holds text back until it is checked: a group is due with its last
 * token. The first token goes alone, so that neither its time nor that of the end changes.
 */
function applyBursts(stepsMs: Float64Array, { tokens: [least, largest] }: Burst, random: Random): void {
  for (let start = 1; start < stepsMs.length;) {
    const end = Math.min(stepsMs.length, start + least + random.below(largest - least + 1))
    stepsMs.fill(stepsMs[end - 1] ?? 0, start, end)
    start = end
  }
}

/**
 * When an answer is due that comes at once.
 *
 * @param units what the drawn time is multiplied by: the megabytes of a request that is measured in them, else 1
 */
export function planRequest(timing: RequestTiming, units: number, work: Work, random: Random): Schedule {
  const durationMs = drawMs(timing.perRequest, random) * units + timing.promptMsPerToken * work.promptTokens
  const factor = work.factor * (work.conditions?.firstTokenFactor ?? 1)
  return { stepsMs: noSteps, endMs: work.beginMs + durationMs * factor }
}
