import { z } from 'zod'
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
const groupRule = 'must be off, or a mapping such as {tokens: [3, 10]}'

const schema = mapping({
  /** A built-in profile; what the parts below give counts before it. */
  profile: z
    .preprocess(
      (value: LatencyProfileChoice) => ((value as unknown) === false ? 'off' : value),
      z.enum(latencyProfileChoices, `must be one of ${latencyProfileChoices.join(', ')}`),
    )
    .optional(),
  ...profileShape,
  /** How an answer slows down when the deployment works on others at the same time. */
  load: mapping({
    /** What is added to every time of the model, as a share of it, once `requests` others are in work. */
    slowdown: numberFrom(0, 1_000),
    /** 1 makes the times grow evenly with the requests; above 1 little at first and steeply later. */
    exponent: numberFrom(0.1, 10).default(1),
    /** How many other requests slow an answer down by `slowdown`; absent: `concurrency.slots`. */
    requests: integerFrom(1, MAX_COUNT).optional(),
  }).optional(),
  /** How many requests a deployment works on at once, and how many may wait. */
  concurrency: mapping({
    slots: integerFrom(1, MAX_COUNT),
    /** A request that finds this many waiting is refused: 429. */
    queueLength: integerFrom(0, MAX_COUNT).default(100),
    /** One that has waited this long is given up: 503. */
    queueTimeoutMs: milliseconds.default(60_000),
  }).optional(),
})

type Parsed = z.output<typeof schema>

/** How the answers of a deployment take their time, as `latency` of the deployment file (docs/timing.md). */
export interface DeploymentLatencyOptions
  extends Input<z.ZodObject<typeof profileShape>>, Omit<Input<typeof schema>, keyof LatencyProfile> {}

/** How an answer slows down under load, with the number of requests that its deployment leaves to its slots. */
export interface Load extends FilledTree<NonNullable<Parsed['load']>> {}

/** How many requests a deployment works on at once, and how many may wait. */
export interface Concurrency extends ReadonlyTree<NonNullable<Parsed['concurrency']>> {}

/** What a deployment says of its timing. What it leaves out comes from the profile, then from the environment. */
export interface DeploymentLatency extends LatencyProfile, Given<Pick<Parsed, 'profile'>> {
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
  slowdown: 'Set it to 1, for example: twice the time.',
  exponent: 'Set it to 2, for example.',
  requests: 'Set it to 32, for example.',
  slots: 'Set it to 16, for example.',
  queueLength: 'Set it to 100, for example; 0 refuses at once.',
  queueTimeoutMs: 'Set it to 60000, for example.',
} satisfies Advice

const words: ProblemWords = {
  advice,
  otherwise: 'See docs/timing.md.',
  message: ({ code, message }, key) => (code === 'invalid_union' && key === 'burst' ? groupRule : message),
}

/**
 * Checks the `latency` of a deployment.
 *
 * @param model undefined where the deployment names none that is known
 * @param place of the deployment, as problems begin with it: `"chat"`
 */
export function resolveLatency(
  value: unknown,
  model: Model | undefined,
  place: string,
): { readonly latency?: DeploymentLatency; readonly problems: readonly string[] } {
  if (value === undefined) return { problems: [] }
  const parsed = schema.safeParse(value)
  if (!parsed.success) {
    return { problems: describeProblems(parsed.error, value, `${place}.latency`, words) }
  }
  const { load, ...rest } = parsed.data
  const requests = load?.requests ?? rest.concurrency?.slots
  const problems = model ? validateLatency(parsed.data, model, `${place}.latency`) : []
  if (load && requests === undefined) {
    problems.push(
      `${place}.latency.load.requests must be given where there is no concurrency.slots (got nothing). ${advice.requests}`,
    )
  }
  if (problems.length > 0) return { problems }
  const given = { ...rest, ...(load && requests !== undefined && { load: { ...load, requests } }) }
  // A copy, for an object that lost keys is slow to read.
  return { latency: { ...withoutUndefined(given) }, problems }
}

/** Times that the model's answers never take: most likely those of another deployment. */
function validateLatency(latency: Parsed, model: Model, place: string): string[] {
  if (model.operations.length === 0) return []
  const writes = writesTokens(model)
  const why = writes ? 'writes tokens' : 'writes no tokens'
  const wrongKeys = writes ? (['perRequest'] as const) : tokenKeys
  const problems = wrongKeys
    .filter((key) => latency[key] !== undefined)
    .map((key) => `${place}.${key} must be absent, for ${model.name} ${why}. Leave it out.`)
  const { profile } = latency
  const forTokens = profile !== 'embeddings'
  if (profile !== undefined && profile !== 'off' && profile !== 'auto' && forTokens !== writes) {
    problems.push(
      `${place}.profile must be one that fits ${model.name}, which ${why} (got ${showValue(profile)}). Set it to auto, for example.`,
    )
  }
  return problems
}

const tokenKeys = ['firstToken', 'perToken', 'reasoningMsPerToken', 'burst'] as const
