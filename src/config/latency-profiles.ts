import * as z from 'zod'
import type { Model } from '../wire/models/models.ts'
import { type Distribution, distributionSchema } from './distribution.ts'
import { type Given, mapping, numberFrom, type ReadonlyTree } from './mapping-file.ts'
import { setting, nonNegativeNumber, oneOf } from './setting.ts'

const msPerToken = numberFrom(0, 10_000)
const sizesRule = 'must be two integers from 1 to 1,000 in ascending order'
const size = z.int(sizesRule).min(1, sizesRule).max(1_000, sizesRule)

/** Groups in which a content filter releases tokens: by size or by time. */
const burst = mapping({
  /** Minimum and maximum size. */
  tokens: z
    .tuple([size, size], sizesRule)
    .refine(([min, max]) => min <= max, sizesRule)
    .optional(),
  /** From the first token of a group until the group is sent. */
  interval: distributionSchema.optional(),
}).refine(({ tokens, interval }) => (tokens === undefined) !== (interval === undefined), {
  error: 'must have either tokens or interval',
})

/** Groups in which a content filter releases tokens. Exactly one of the two keys is set. */
export interface Burst extends ReadonlyTree<z.output<typeof burst>> {}

/** Times of a profile or a deployment. */
export const profileShape = {
  /** From the start of processing to the first token. */
  firstToken: distributionSchema.optional(),
  /** From each token to the next. */
  perToken: distributionSchema.optional(),
  /** Of a complete request, for models that return no tokens. */
  perRequest: distributionSchema.optional(),
  /** Added to the time before the first token for each token of the prompt that was not cached; default 0. */
  promptMsPerToken: msPerToken.optional(),
  /** Time of each token of hidden reasoning; default: `perToken`. */
  reasoningMsPerToken: msPerToken.optional(),
  /**
   * Sends tokens in groups: those after the first by a random size, or all by the time that the content filter buffers them;
   * default: one by one.
   */
  burst: z
    .preprocess(
      // YAML 1.1 reads the word `off` as false.
      (value: Burst | 'off') => ((value as unknown) === false ? 'off' : value),
      z.union([z.literal('off'), burst]),
    )
    .optional(),
}

/** Latency of a family of models. The default of each key comes from the settings. */
export interface LatencyProfile extends ReadonlyTree<Given<z.output<z.ZodObject<typeof profileShape>>>> {}

function lognormal(medianMs: number, sigma: number): Distribution {
  return { distribution: 'lognormal', medianMs, sigma }
}

/**
 * The default content filter buffers text until it is checked (Microsoft Learn, "Content streaming"). Captures until 2025 have small
 * groups.
 */
const smallBursts: Burst = { tokens: [3, 10] }

/**
 * In captures of September 2026 (gpt-4.1-mini, Japan East, default filter), an answer of 74 chunks arrives as a whole within 6 ms, and
 * long answers in groups of hundreds of tokens about 2 s apart (largest gap of 10 s: 2.1 s).
 */
const timedBursts: Burst = { interval: { distribution: 'normal', meanMs: 2_000, stdDevMs: 50 } }

/**
 * The built-in profiles. Medians and spreads are inferred from captured response times of 2024 to 2026 (`gpt-4o-mini`: 100 ms, and
 * 8 to 10 ms per token, with one answer in 20 far slower), from published time to first token and tokens per second of Azure
 * deployments, and from a provisioned `gpt-4` measured with the benchmark tool of Azure. The lognormal form is an assumption that
 * fits the tails. The cost of the prompt, 0.05 to 0.2 ms per token, is inferred as well.
 */
export const latencyProfiles = {
  'gpt-35-turbo': {
    firstToken: lognormal(250, 0.5),
    perToken: lognormal(16, 0.35),
    promptMsPerToken: 0.1,
    burst: smallBursts,
  },
  'gpt-4': {
    firstToken: lognormal(750, 0.35),
    perToken: lognormal(42, 0.1),
    promptMsPerToken: 0.2,
    burst: smallBursts,
  },
  'gpt-4o': {
    firstToken: lognormal(500, 0.7),
    perToken: lognormal(12, 0.4),
    promptMsPerToken: 0.1,
    burst: timedBursts,
  },
  'gpt-4o-busy': {
    firstToken: lognormal(1_000, 0.7),
    perToken: lognormal(25, 0.4),
    promptMsPerToken: 0.1,
    burst: timedBursts,
  },
  'gpt-4o-mini': {
    firstToken: lognormal(250, 0.6),
    perToken: lognormal(9, 0.4),
    promptMsPerToken: 0.05,
    burst: timedBursts,
  },
  'gpt-4.1': {
    firstToken: lognormal(700, 0.6),
    perToken: lognormal(12, 0.4),
    promptMsPerToken: 0.05,
    burst: timedBursts,
  },
  'gpt-5': {
    firstToken: lognormal(1_000, 0.6),
    perToken: lognormal(8, 0.4),
    promptMsPerToken: 0.1,
    reasoningMsPerToken: 8,
    burst: timedBursts,
  },
  'o-series': {
    firstToken: lognormal(1_000, 0.6),
    perToken: lognormal(12, 0.4),
    promptMsPerToken: 0.1,
    reasoningMsPerToken: 10,
    burst: timedBursts,
  },
  // Assumed, from published times to first token and tokens per second of 2025 and 2026. Foundry has no content filter for Claude models,
  // so tokens are not grouped.
  'claude-opus': {
    firstToken: lognormal(1_500, 0.5),
    perToken: lognormal(18, 0.4),
    promptMsPerToken: 0.1,
    reasoningMsPerToken: 18,
  },
  'claude-sonnet': {
    firstToken: lognormal(1_200, 0.5),
    perToken: lognormal(15, 0.4),
    promptMsPerToken: 0.1,
    reasoningMsPerToken: 15,
  },
  'claude-haiku': {
    firstToken: lognormal(600, 0.5),
    perToken: lognormal(8, 0.4),
    promptMsPerToken: 0.05,
    reasoningMsPerToken: 8,
  },
  // 0.02 ms per character, with four characters per token.
  embeddings: { perRequest: lognormal(60, 0.4), promptMsPerToken: 0.08 },
} as const satisfies Readonly<Record<string, LatencyProfile>>

/** Name of a built-in profile. */
export type LatencyProfileName = keyof typeof latencyProfiles

/** Choice of a profile: `off` for none, `auto` for that of the deployment's model, or a name. */
export type LatencyProfileChoice = 'off' | 'auto' | LatencyProfileName

/** All choices of a profile. */
export const latencyProfileChoices = [
  'off',
  'auto',
  ...(Object.keys(latencyProfiles) as LatencyProfileName[]),
] as const satisfies readonly LatencyProfileChoice[]

/** Families by the beginning of a model's name. The first match applies. */
const families: readonly (readonly [prefix: RegExp, profile: LatencyProfileName])[] = [
  [/^gpt-35|^gpt-3\.5/, 'gpt-35-turbo'],
  [/^gpt-4o-mini|^gpt-4\.1-nano/, 'gpt-4o-mini'],
  [/^gpt-4o/, 'gpt-4o'],
  [/^gpt-4\.1/, 'gpt-4.1'],
  [/^gpt-4/, 'gpt-4'],
  [/^o\d|^codex/, 'o-series'],
  [/^claude-haiku/, 'claude-haiku'],
  [/^claude-sonnet/, 'claude-sonnet'],
  [/^claude/, 'claude-opus'],
]

/** Returns the profile of a model; undefined for models that create images or audio. */
export function profileOfModel(model: Model): LatencyProfileName | undefined {
  if (model.operations.includes('embeddings')) return 'embeddings'
  if (!writesTokens(model)) return undefined
  const family = families.find(([prefix]) => prefix.test(model.name))
  return family?.[1] ?? (model.reasoning ? 'gpt-5' : 'gpt-4o')
}

/** Returns whether a model returns tokens. */
export function writesTokens({ operations }: Model): boolean {
  return operations.some(
    (name) =>
      name === 'chatCompletions' || name === 'completions' || name === 'responses' || name === 'messages',
  )
}

/** Latency settings, which apply to deployments without own latency. */
export const latencySettings = {
  timeScale: setting(nonNegativeNumber(), {
    env: 'LATENCY_TIME_SCALE',
    patch: 'latency.time_scale',
    group: 'Latency',
    default: 1,
    description: 'Multiplies every waiting time. 0 turns latency off.',
  }),
  profile: setting(oneOf(latencyProfileChoices), {
    env: 'LATENCY_PROFILE',
    patch: 'latency.profile',
    group: 'Latency',
    default: 'off',
    description:
      'Latency of a model family (docs/timing.md). auto selects it by model, off uses the variables below.',
  }),
  chatCompletions: tokenLatency('CHAT_COMPLETIONS', 'chat completions', 19, 6),
  completions: tokenLatency('COMPLETIONS', 'legacy completions', 15, 2),
  embeddings: latency('EMBEDDINGS', 'an embeddings request', 'ms per request', 100, 30),
  translations: latency('TRANSLATIONS', 'an audio translation', 'ms per MB', 15_000, 1_000),
}

function tokenLatency(env: string, operation: string, meanMs: number, stdDevMs: number) {
  return z.strictObject({
    perToken: latency(env, `each token of ${operation}`, 'ms per token', meanMs, stdDevMs),
    firstToken: latency(
      `${env}_FIRST_TOKEN`,
      `the first token of ${operation}`,
      'ms',
      0,
      0,
      `${patchedLatency(env)}.first_token`,
    ),
  })
}

/** The defaults are those of the Python simulator, so that measurements stay comparable. */
function latency(
  env: string,
  what: string,
  unit: string,
  meanMs: number,
  stdDevMs: number,
  patch = patchedLatency(env),
) {
  return z.strictObject({
    meanMs: setting(nonNegativeNumber(), {
      env: `LATENCY_OPENAI_${env}_MEAN`,
      patch: `${patch}.mean`,
      group: 'Latency',
      default: meanMs,
      unit,
      description: `Mean latency of ${what}.`,
    }),
    stdDevMs: setting(nonNegativeNumber(), {
      env: `LATENCY_OPENAI_${env}_STD_DEV`,
      patch: `${patch}.std_dev`,
      group: 'Latency',
      default: stdDevMs,
      unit,
      description: `Standard deviation for ${what}.`,
    }),
  })
}

/** Returns the name in PATCH /++/config, which is that of the Python simulator. */
function patchedLatency(env: string): string {
  return `latency.open_ai_${env.toLowerCase()}`
}
