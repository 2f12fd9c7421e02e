import type { ResourceConfig, Latency, TokenLatency } from '../config/config.ts'
import type { Deployment } from '../config/deployments.ts'
import type { Distribution } from '../config/distribution.ts'
import {
  type Burst,
  type LatencyProfile,
  type LatencyProfileChoice,
  latencyProfiles,
  profileOfModel,
} from '../config/latency-profiles.ts'
import type { Operation } from '../wire/operations.ts'

/** The time of an answer that is written token by token. */
export interface TokenTiming {
  readonly kind: 'tokens'
  readonly firstToken: Distribution
  /**
   * Whether the first token takes a `perToken` time too, after `firstToken`. So it is with the environment's waits, where
   * N tokens take N times the mean; a profile or a file gives the time of the first token itself.
   */
  readonly firstTokenTakesTime: boolean
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
    firstTokenTakesTime: merged.firstToken === undefined,
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
