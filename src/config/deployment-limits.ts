import { isRecord } from '../lib/record.ts'
import { isClaude } from '../wire/models/claude-traits.ts'
import type { Model } from '../wire/models/models.ts'
import { type Deployment, derivedRequestsPerMinute } from './deployments.ts'

type Fields = Readonly<Record<string, unknown>>

/** Keys of a deployment that limit it. */
export const limitKeys = [
  'tokensPerMinute',
  'requestsPerMinute',
  'inputTokensPerMinute',
  'outputTokensPerMinute',
  'provisionedThroughputUnits',
] as const

/** Returns whether a deployment has a limit. */
export function hasLimits(deployment: Deployment): boolean {
  return limitKeys.some((key) => deployment[key] !== undefined)
}

/**
 * The limit of requests, given or derived from `tokensPerMinute`; undefined without one. Claude deployments have three independent
 * quotas (Microsoft Learn), so that none of theirs is derived.
 */
export function requestsLimitOf(deployment: Deployment): number | undefined {
  const { requestsPerMinute, tokensPerMinute, model } = deployment
  if (requestsPerMinute !== undefined) return requestsPerMinute
  return tokensPerMinute === undefined ? undefined : derivedRequestsPerMinute(tokensPerMinute, model)
}

const separateLimits = 'Set inputTokensPerMinute and outputTokensPerMinute instead.'

/** Keys without a meaning for Claude models, with what to do instead. */
const notOfClaude: Readonly<Record<string, string>> = {
  tokensPerMinute: `Its input and output have separate limits. ${separateLimits}`,
  limitProfile: 'Its answers have no headers of limits. Remove it.',
  wireProfile: 'Its answers have one form. Remove it.',
  serviceTier: 'It has one service tier. Remove it.',
}

const onlyOfClaude = ['inputTokensPerMinute', 'outputTokensPerMinute']

/** Returns the limits of an entry that its model does not have, each with what to do instead. */
export function describeLimitProblems(
  entry: unknown,
  model: Model | undefined,
  location: string,
): readonly string[] {
  if (!isRecord(entry) || !model) return []
  return [...describeThroughput(entry, model, location), ...describeSeparateLimits(entry, model, location)]
}

function describeThroughput(entry: Fields, model: Model, location: string): string[] {
  if (entry['provisionedThroughputUnits'] === undefined || model.provisioned) return []
  return [
    `${location}.provisionedThroughputUnits does not apply to ${model.name}: its throughput per unit is unknown. Add it to a model file (docs/models.md), or use another model.`,
  ]
}

function describeSeparateLimits(entry: Fields, model: Model, location: string): string[] {
  const { name } = model
  if (isClaude(model)) {
    return Object.entries(notOfClaude)
      .filter(([key]) => entry[key] !== undefined)
      .map(([key, hint]) => `${location}.${key} does not apply to ${name}. ${hint}`)
  }
  return onlyOfClaude
    .filter((key) => entry[key] !== undefined)
    .map(
      (key) =>
        `${location}.${key} does not apply to ${name}: only Claude models have separate limits of input and output. Set tokensPerMinute instead.`,
    )
}
