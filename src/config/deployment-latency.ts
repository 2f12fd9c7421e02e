import * as z from 'zod'
import type { Model } from '../wire/models/models.ts'
import { milliseconds } from './distribution.ts'
import {
  type LatencyProfile,
  type LatencyProfileChoice,
  latencyProfileChoices,
  profileShape,
  writesTokens,
} from './latency-profiles.ts'
import {
  type FilledTree,
  type Given,
  type Input,
  integerFrom,
  mapping,
  numberFrom,
  type ReadonlyTree,
  withoutUndefined,
} from './mapping-file.ts'
import { showValue, type Advice, describeProblems, type ProblemWords } from './zod-problems.ts'

const MAX_COUNT = 1_000_000
const groupRule = 'must be off, or a mapping such as {interval: 2000} or {tokens: [3, 10]}'

const tierFactors = mapping({
  /** Factor of the time to the first token; default: that of the tier. */
  firstToken: numberFrom(0, 1_000).optional(),
  /** Factor of the time of each token; default: that of the tier. */
  perToken: numberFrom(0, 1_000).optional(),
})

/** Schema of the latency of a deployment. */
export const deploymentLatencySchema = mapping({
  /** A built-in profile. The keys below override it. */
  profile: z
    .preprocess(
      (value: LatencyProfileChoice) => ((value as unknown) === false ? 'off' : value),
      z.enum(latencyProfileChoices, `must be one of ${latencyProfileChoices.join(', ')}`),
    )
    .optional(),
  ...profileShape,
  /** Slowdown under load. */
  load: mapping({
    /** Added to every time, as a fraction of it, when `requests` other requests are being answered. */
    slowdown: numberFrom(0, 1_000),
    /** 1: times grow linearly with the number of requests. Above 1: slowly at first and steeply later. */
    exponent: numberFrom(0.1, 10).default(1),
    /** Number of other requests at which `slowdown` applies in full; default: `concurrency.slots`. */
    requests: integerFrom(1, MAX_COUNT).optional(),
  }).optional(),
  /** Factors of requests that another service tier processes. */
  tiers: mapping({ priority: tierFactors.optional(), flex: tierFactors.optional() }).optional(),
  /** Limit of concurrent requests, with a queue. */
  concurrency: mapping({
    slots: integerFrom(1, MAX_COUNT),
    /** Maximum number of waiting requests. Further ones get 429. */
    queueLength: integerFrom(0, MAX_COUNT).default(100),
    /** Maximum wait. After it the request gets 503. */
    queueTimeoutMs: milliseconds.default(60_000),
  }).optional(),
})

type Parsed = z.output<typeof deploymentLatencySchema>

/** Latency of a deployment: `latency` in the deployment file (docs/timing.md). */
export interface DeploymentLatencyOptions
  extends
    Input<z.ZodObject<typeof profileShape>>,
    Omit<Input<typeof deploymentLatencySchema>, keyof LatencyProfile> {}

/** Slowdown under load, with the default of `requests` filled in. */
export interface Load extends FilledTree<NonNullable<Parsed['load']>> {}

/** Limit of concurrent requests of a deployment, with a queue. */
export interface Concurrency extends ReadonlyTree<NonNullable<Parsed['concurrency']>> {}

/** Latency of a deployment. The default of each key comes from the profile, then from the settings. */
export interface DeploymentLatency extends LatencyProfile, Given<Pick<Parsed, 'profile' | 'tiers'>> {
  readonly load?: Load
  readonly concurrency?: Concurrency
}

const advice = {
  profile: { hint: 'Set it to auto, for example.', names: latencyProfileChoices },
  firstToken: 'Set it to {distribution: lognormal, medianMs: 500, sigma: 0.7}, for example.',
  perToken: 'Set it to {distribution: lognormal, medianMs: 12, sigma: 0.4}, for example.',
  perRequest: 'Set it to {distribution: lognormal, medianMs: 60, sigma: 0.4}, for example.',
  distribution: 'Set it to lognormal, for example.',
  medianMs: 'Set it to 500, for example.',
  sigma: 'Set it to 0.7, for example.',
  promptMsPerToken: 'Set it to 0.1, for example.',
  reasoningMsPerToken: 'Set it to 10, for example.',
  slowdown: 'Set it to 1, for example, which doubles the latency.',
  exponent: 'Set it to 2, for example.',
  requests: 'Set it to 32, for example.',
  slots: 'Set it to 16, for example.',
  queueLength: 'Set it to 100, for example. 0 rejects immediately.',
  queueTimeoutMs: 'Set it to 60000, for example.',
} satisfies Advice

const words: ProblemWords = {
  advice,
  otherwise: 'See docs/timing.md.',
  message: ({ code, message }, key) => (code === 'invalid_union' && key === 'burst' ? groupRule : message),
}

/**
 * Validates the `latency` of a deployment.
 *
 * @param model undefined if the model of the deployment is missing or invalid
 * @param location path of the deployment, with which problems begin: `"chat"`
 */
export function resolveLatency(
  value: unknown,
  model: Model | undefined,
  location: string,
): { readonly latency?: DeploymentLatency; readonly problems: readonly string[] } {
  if (value === undefined) return { problems: [] }
  const parsed = deploymentLatencySchema.safeParse(value)
  if (!parsed.success) {
    return { problems: describeProblems(parsed.error, value, `${location}.latency`, words) }
  }
  const { load, ...rest } = parsed.data
  const requests = load?.requests ?? rest.concurrency?.slots
  const problems = model ? validateLatency(parsed.data, model, `${location}.latency`) : []
  if (load && requests === undefined) {
    problems.push(
      `${location}.latency.load.requests is required without concurrency.slots (got nothing). ${advice.requests}`,
    )
  }
  if (problems.length > 0) return { problems }
  const given = { ...rest, ...(load && requests !== undefined && { load: { ...load, requests } }) }
  // A copy, because access to an object with deleted keys is slow.
  return { latency: { ...withoutUndefined(given) }, problems }
}

/** Rejects times that do not apply to the model, which most likely belong to another deployment. */
function validateLatency(latency: Parsed, model: Model, location: string): string[] {
  if (model.operations.length === 0) return []
  const writes = writesTokens(model)
  const why = writes ? 'returns tokens' : 'returns no tokens'
  const wrongKeys = writes ? (['perRequest'] as const) : tokenKeys
  const problems = wrongKeys
    .filter((key) => latency[key] !== undefined)
    .map((key) => `${location}.${key} does not apply to ${model.name}, which ${why}. Remove it.`)
  const { profile } = latency
  const forTokens = profile !== 'embeddings'
  if (profile !== undefined && profile !== 'off' && profile !== 'auto' && forTokens !== writes) {
    problems.push(
      `${location}.profile must be a profile for ${model.name}, which ${why} (got ${showValue(profile)}). Set it to auto, for example.`,
    )
  }
  return problems
}

const tokenKeys = ['firstToken', 'perToken', 'reasoningMsPerToken', 'burst', 'tiers'] as const
