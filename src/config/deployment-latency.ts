import { z } from 'zod'
import type { Model } from '../wire/models/models.ts'
import { describeFirst, shortText } from '../lib/error-text.ts'
import { nearestNames } from '../lib/nearest-names.ts'
import { distributionSchema, milliseconds } from './distribution.ts'
import {
  type Burst,
  type LatencyProfile,
  type LatencyProfileChoice,
  latencyProfileChoices,
  writesTokens,
} from './latency-profiles.ts'
import { followPath, type Input, integerFrom, mapping, numberFrom } from './mapping-schema.ts'
import { showValue } from './show-value.ts'

/** How an answer slows down when the deployment works on others at the same time. */
export interface Load {
  /** What is added to every time of the model, as a share of it, once `requests` others are in work. */
  readonly slowdown: number
  /** 1 makes the times grow evenly with the requests; above 1 little at first and steeply later. */
  readonly exponent: number
  /** How many other requests slow an answer down by `slowdown`. */
  readonly requests: number
}

/** How many requests a deployment works on at once, and how many may wait. */
export interface Concurrency {
  readonly slots: number
  /** A request that finds this many waiting is refused: 429. */
  readonly queueLength: number
  /** One that has waited this long is given up: 503. */
  readonly queueTimeoutMs: number
}

/** What a deployment says of its timing. What it leaves out comes from the profile, then from the environment. */
export interface DeploymentLatency extends LatencyProfile {
  readonly profile?: LatencyProfileChoice
  readonly load?: Load
  readonly concurrency?: Concurrency
}

const most = 1_000_000
const perToken = numberFrom(0, 10_000)
const groupRule = 'must be off, or a mapping such as {tokens: [3, 10]}'
const sizesRule = 'must be two integers from 1 to 1,000, the smaller one first'
const size = z.int(sizesRule).min(1, sizesRule).max(1_000, sizesRule)

const burst = z.preprocess(
  // YAML 1.1 takes the word for false.
  (value: Burst | 'off') => ((value as unknown) === false ? 'off' : value),
  z.union([
    z.literal('off'),
    mapping({
      tokens: z.tuple([size, size], sizesRule).refine(([least, largest]) => least <= largest, sizesRule),
    }),
  ]),
)

const schema = mapping({
  profile: z
    .preprocess(
      (value: LatencyProfileChoice) => ((value as unknown) === false ? 'off' : value),
      z.enum(latencyProfileChoices, `must be one of ${latencyProfileChoices.join(', ')}`),
    )
    .optional(),
  firstToken: distributionSchema.optional(),
  perToken: distributionSchema.optional(),
  perRequest: distributionSchema.optional(),
  promptMsPerToken: perToken.optional(),
  reasoningMsPerToken: perToken.optional(),
  burst: burst.optional(),
  load: mapping({
    slowdown: numberFrom(0, 1_000),
    exponent: numberFrom(0.1, 10).default(1),
    requests: integerFrom(1, most).optional(),
  }).optional(),
  concurrency: mapping({
    slots: integerFrom(1, most),
    queueLength: integerFrom(0, most).default(100),
    queueTimeoutMs: milliseconds.default(60_000),
  }).optional(),
})

type LatencyInput = Input<typeof schema>

/** How the answers of a deployment take their time, as `latency` of the deployment file (docs/timing.md). */
export interface DeploymentLatencyOptions extends LatencyInput {
  /** Of a whole request, for models that write no tokens. */
  readonly perRequest?: LatencyInput['perRequest']
}

const advice: Readonly<Record<string, string>> = {
  profile: 'Set it to auto, for example.',
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
    return {
      problems: describeFirst(parsed.error.issues, (issue) => describe(issue, value, `${place}.latency`)),
    }
  }
  const { load, ...rest } = parsed.data
  const requests = load?.requests ?? rest.concurrency?.slots
  const problems = model ? misfits(parsed.data, model, `${place}.latency`) : []
  if (load && requests === undefined) {
    problems.push(
      `${place}.latency.load.requests must be given where there is no concurrency.slots (got nothing). ${advice['requests']}`,
    )
  }
  if (problems.length > 0) return { problems }
  const given = { ...rest, ...(load && requests !== undefined && { load: { ...load, requests } }) }
  return { latency: withoutUndefined(given), problems }
}

type Parsed = z.output<typeof schema>

/** A key that the schema made of nothing counts as absent. */
function withoutUndefined(latency: { [Key in keyof DeploymentLatency]: DeploymentLatency[Key] | undefined }) {
  return Object.fromEntries(
    Object.entries(latency).filter(([, part]) => part !== undefined),
  ) as DeploymentLatency
}

/** Times that the model's answers never take: most likely those of another deployment. */
function misfits(latency: Parsed, model: Model, place: string): string[] {
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

function describe(issue: z.core.$ZodIssue, value: unknown, place: string): string[] {
  const { path, got } = followPath(value, issue.path)
  const at = path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : `${text}.${String(key)}`),
    place,
  )
  if (issue.code === 'unrecognized_keys')
    return describeFirst(issue.keys, (key) => `${at}.${shortText(key)} ${issue.message}.`)
  const key = path.findLast((part) => typeof part === 'string') ?? ''
  const message = issue.code === 'invalid_union' && key === 'burst' ? groupRule : issue.message
  const hint = nearestProfile(key, got) ?? advice[key] ?? 'docs/timing.md says more.'
  return [`${at} ${message} (${got === undefined ? 'got nothing' : `got ${showValue(got)}`}). ${hint}`]
}

function nearestProfile(key: string, got: unknown): string | undefined {
  if (key !== 'profile' || typeof got !== 'string') return undefined
  const [nearest] = nearestNames(got, latencyProfileChoices, 1)
  return nearest === undefined ? undefined : `Did you mean ${nearest}?`
}
