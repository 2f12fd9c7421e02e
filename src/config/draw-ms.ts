import type { Distribution } from './distribution.ts'
import type { Random } from '../lib/random.ts'

/** Draws a waiting time in milliseconds; never negative. */
export function drawMs(from: Distribution, random: Random): number {
  switch (from.distribution) {
    case 'constant':
      return from.ms
    case 'normal':
      return Math.max(0, from.meanMs + from.stdDevMs * standardNormal(random))
    case 'lognormal':
      return from.medianMs * Math.exp(from.sigma * standardNormal(random))
    case 'gamma':
      return from.scaleMs * standardGamma(from.shape, random)
    default:
      return interpolate(from.quantiles, random.unit())
  }
}

/** A draw from the standard normal distribution (Box and Muller, 1958). */
function standardNormal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.unit())) * Math.cos(2 * Math.PI * random.unit())
}

/**
 * A draw from the gamma distribution of scale 1 (Marsaglia and Tsang, "A simple method for generating gamma variables",
 * 2000): a transformed normal draw, of which fewer than 5 in 100 are thrown away.
 */
function standardGamma(shape: number, random: Random): number {
  // Below 1 the method needs a detour: a gamma of shape + 1, times a power of a uniform draw.
  if (shape < 1) return standardGamma(shape + 1, random) * (1 - random.unit()) ** (1 / shape)
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = standardNormal(random)
    const v = (1 + c * x) ** 3
    if (v > 0 && Math.log(1 - random.unit()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v
  }
}

/** The time at a share, on straight lines between the points; flat before the first and after the last one. */
function interpolate(points: readonly (readonly [number, number])[], share: number): number {
  const next = points.findIndex(([pointShare]) => pointShare > share)
  const [aboveShare, aboveMs] = points[next] ?? points.at(-1) ?? [1, 0]
  const [belowShare, belowMs] = points[next - 1] ?? [aboveShare, aboveMs]
  if (next <= 0) return aboveMs
  return belowMs + ((aboveMs - belowMs) * (share - belowShare)) / (aboveShare - belowShare)
}
