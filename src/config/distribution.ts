import * as z from 'zod'
import { fileForms, type Input, mapping, numberFrom, type ReadonlyTree } from './mapping-file.ts'
import { lognormal, type Random, standardNormal } from '../lib/random.ts'

/** Returns a typical value of a distribution, near its median, in milliseconds. */
export function typicalMs(from: Distribution): number {
  switch (from.distribution) {
    case 'constant':
      return from.ms
    case 'normal':
      return from.meanMs
    case 'lognormal':
      return from.medianMs
    case 'gamma':
      return from.shape * from.scaleMs
    default:
      return from.quantiles.find(([share]) => share >= 0.5)?.[1] ?? 0
  }
}

/** Far above any real latency, and small enough for exact due times. */
const MAX_MS = 3_600_000

/** A time in milliseconds, up to an hour. */
export const milliseconds = numberFrom(0, MAX_MS)

/** At 3, 1 % of the times are above 1,000 times the median. */
const sigma = numberFrom(0, 3)
/** Below 0.01 almost all draws are 0; above 1,000,000 they are practically constant. */
const shape = numberFrom(0.01, 1_000_000)

const gamma = mapping({
  distribution: z.literal('gamma'),
  /** The mean is `shape` times `scaleMs`; at shape 1 it is the exponential distribution. */
  shape,
  scaleMs: milliseconds.optional(),
  meanMs: milliseconds.optional(),
})
  .refine(({ scaleMs, meanMs }) => (scaleMs === undefined) !== (meanMs === undefined), {
    error: 'must have either meanMs or scaleMs in addition to shape',
  })
  .transform(({ shape, scaleMs, meanMs = 0 }) => ({
    distribution: 'gamma' as const,
    shape,
    scaleMs: scaleMs ?? meanMs / shape,
  }))

const points =
  'must be a list of pairs [share from 0 to 1, milliseconds], ascending in both, such as [0.5, 400]'

const quantiles = mapping({
  distribution: z.literal('quantiles'),
  /**
   * Points of a measured distribution, ascending in both numbers: a fraction of the times from 0 to 1, and the time that this
   * fraction does not exceed. Times are interpolated linearly between points and never lie outside of them.
   */
  quantiles: z
    .array(z.tuple([z.number(points).min(0, points).max(1, points), milliseconds], points), points)
    .min(1, points)
    .refine(isAscending, points),
})

function isAscending(list: readonly (readonly [number, number])[]): boolean {
  return list.every(([share, ms], index) => {
    const before = list[index - 1]
    return before === undefined || (share > before[0] && ms >= before[1])
  })
}

const forms = {
  constant: mapping({ distribution: z.literal('constant'), ms: milliseconds }),
  /** A draw below 0 becomes 0. */
  normal: mapping({ distribution: z.literal('normal'), meanMs: milliseconds, stdDevMs: milliseconds }),
  lognormal: mapping({
    distribution: z.literal('lognormal'),
    medianMs: milliseconds,
    /** The standard deviation of the logarithm: 95 % of the times are below the median times e^(1.645 sigma). */
    sigma,
  }),
  gamma,
  quantiles,
} as const

type Form = (typeof forms)[keyof typeof forms]

/** Distribution of a time. Times are in milliseconds and not negative. */
export type Distribution = ReadonlyTree<z.output<Form>>

/** A time in milliseconds, or a distribution of times (docs/timing.md). A gamma distribution has either `meanMs` or `scaleMs`. */
export type DistributionOptions = number | Input<Form>

const kinds = Object.keys(forms).join(', ')

/** Schema of a distribution in a file. A number is a constant; a gamma distribution has either `meanMs` or `scaleMs`. */
export const distributionSchema: z.ZodType<Distribution, DistributionOptions> = z
  .preprocess(
    (value: DistributionOptions) =>
      typeof value === 'number' ? { distribution: 'constant', ms: value } : value,
    z.discriminatedUnion(
      'distribution',
      [forms.constant, forms.normal, forms.lognormal, forms.gamma, forms.quantiles],
      {
        error: (issue) =>
          issue.code === 'invalid_union'
            ? `must be one of ${kinds}`
            : `must be a number of milliseconds, or a mapping with a distribution (one of ${kinds})`,
      },
    ),
  )
  .register(fileForms, { also: { type: 'number', minimum: 0, maximum: MAX_MS } })

/** Draws a time in milliseconds; never negative. */
export function drawMs(from: Distribution, random: Random): number {
  switch (from.distribution) {
    case 'constant':
      return from.ms
    case 'normal':
      return Math.max(0, from.meanMs + from.stdDevMs * standardNormal(random))
    case 'lognormal':
      return lognormal(from.medianMs, from.sigma, random)
    case 'gamma':
      return from.scaleMs * standardGamma(from.shape, random)
    default:
      return interpolate(from.quantiles, random.unit())
  }
}

/**
 * Draws from the gamma distribution of scale 1 (Marsaglia and Tsang, "A simple method for generating gamma variables", 2000):
 * transforms a normal draw, and rejects fewer than 5 % of them.
 */
function standardGamma(shape: number, random: Random): number {
  // The method needs a shape of at least 1. Below, use a gamma of shape + 1 times a power of a uniform draw.
  if (shape < 1) return standardGamma(shape + 1, random) * (1 - random.unit()) ** (1 / shape)
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = standardNormal(random)
    const v = (1 + c * x) ** 3
    if (v > 0 && Math.log(1 - random.unit()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v
  }
}

/** Returns the time at a fraction by linear interpolation; constant before the first and after the last point. */
function interpolate(points: readonly (readonly [number, number])[], share: number): number {
  const next = points.findIndex(([pointShare]) => pointShare > share)
  const [aboveShare, aboveMs] = points[next] ?? points.at(-1) ?? [1, 0]
  const [belowShare, belowMs] = points[next - 1] ?? [aboveShare, aboveMs]
  if (next <= 0) return aboveMs
  return belowMs + ((aboveMs - belowMs) * (share - belowShare)) / (aboveShare - belowShare)
}
