import { type Drawing, between } from './drawing.ts'
import { numberOf, type SchemaObject } from '../../wire/json-schema/json-schema.ts'
import { boundsOf, isMultiple, type NumberBounds } from './match-schema.ts'
import { lookUpName } from './draw-string.ts'

/** With only one bound, numbers are at most this far from it. */
const DEFAULT_SPAN = 100

/** Candidates for a number that is exact in floating point and a multiple of all steps. */
const MAX_MULTIPLES_TRIED = 60

/** Draws a number within the bounds and multiples of the schemas. */
export function drawNumber(
  drawing: Drawing,
  facets: readonly SchemaObject[],
  integer: boolean,
  name: string,
): number {
  const bounds = boundsOf(facets)
  const steps = facets.map((facet) => numberOf(facet, 'multipleOf') ?? 0).filter((step) => step > 0)
  // Each step is checked with many numbers.
  if (steps.length > 1) drawing.budget.spend(steps.length * 50)
  const unit = integer ? wholeUnit(steps) : steps.length > 0 ? Math.max(...steps) : undefined
  const window = windowOf(bounds, defaultRange(name, integer), unit ?? 0)
  const { low, high, lowOpen, highOpen } = bounds
  const fits = (value: number): boolean =>
    value >= low &&
    value <= high &&
    !(lowOpen && value === low) &&
    !(highOpen && value === high) &&
    (!integer || Number.isInteger(value)) &&
    steps.every((step) => isMultiple(value, step))
  const value = unit ? drawMultiple(drawing, unit, window, fits) : drawDecimal(drawing, window, fits)
  if (!fits(value)) drawing.failures++
  return value
}

/** Range to draw from: the default range within the bounds, or a range next to a bound. */
function windowOf(
  { low, high }: NumberBounds,
  preferred: readonly [number, number],
  unit: number,
): [number, number] {
  const [from, to] = [Math.max(low, preferred[0]), Math.min(high, preferred[1])]
  if (to - from >= unit && from <= to) return [from, to]
  const span = DEFAULT_SPAN * Math.max(1, unit)
  if (low > -Infinity) return [low, Math.min(high, low + span)]
  if (high < Infinity) return [high - span, high]
  return [0, span]
}

function drawMultiple(
  { random }: Drawing,
  unit: number,
  [low, high]: readonly [number, number],
  fits: (value: number) => boolean,
): number {
  const first = Math.ceil(low / unit)
  const last = Math.max(first, Math.floor(high / unit))
  const start = between(random, first, last)
  for (let step = 0; step < MAX_MULTIPLES_TRIED; step++) {
    for (const count of [start + step, start - step, first + step]) {
      const value = exact(count, unit)
      if (fits(value)) return value
    }
  }
  return exact(start, unit)
}

/** Uses as few decimals as the range allows, and two for a wide range. */
function drawDecimal(
  { random }: Drawing,
  [low, high]: readonly [number, number],
  fits: (value: number) => boolean,
): number {
  const span = Math.min(high - low, Number.MAX_VALUE)
  for (const digits of [2, 2, 4, 8, 16]) {
    const value = Number((low + random.unit() * span).toFixed(digits)) + 0
    if (fits(value)) return value
  }
  for (const value of [low + span / 2, low, high]) if (fits(value)) return value
  return low + span / 2
}

/** Smallest integer that is a multiple of all steps; 1 without steps. */
function wholeUnit(steps: readonly number[]): number {
  let unit = 1
  for (const step of steps) {
    let count = 1
    while (count < 1_000 && !isMultiple(unit * count, step)) count++
    if (Number.isInteger(step) && count === 1_000) unit = step
    else unit *= count
  }
  return unit
}

/**
 * `count * unit` with the decimals of the unit: 3 times 0.1 is 0.3. Never negative zero, which JSON does not have.
 */
function exact(count: number, unit: number): number {
  const product = count * unit
  const decimals = decimalsOf(unit)
  return (decimals === 0 ? product : Number(product.toFixed(decimals))) + 0
}

function decimalsOf(value: number): number {
  const [, fraction = '', exponent = '0'] = /^-?\d+(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value)) ?? []
  return Math.min(100, Math.max(0, fraction.length - Number(exponent)))
}

type Range = readonly [low: number, high: number]

const ranges: ReadonlyMap<string, Range> = new Map<string, Range>([
  ['age', [18, 80]],
  ['year', [1990, 2029]],
  ['month', [1, 12]],
  ['day', [1, 28]],
  ['hour', [0, 23]],
  ['minute', [0, 59]],
  ['rating', [1, 5]],
  ['score', [0, 10]],
  ['confidence', [0, 1]],
  ['probability', [0, 1]],
  ['percent', [0, 100]],
  ['percentage', [0, 100]],
  ['latitude', [-60, 60]],
  ['lat', [-60, 60]],
  ['longitude', [-180, 180]],
  ['lng', [-180, 180]],
  ['lon', [-180, 180]],
  ['temperature', [-10, 35]],
  ['price', [1, 200]],
  ['amount', [1, 500]],
  ['cost', [1, 500]],
  ['total', [1, 1_000]],
  ['count', [1, 20]],
  ['quantity', [1, 10]],
  ['limit', [1, 50]],
  ['page', [1, 10]],
  ['id', [1, 100_000]],
  ['population', [1_000, 5_000_000]],
])

/** Default range for a property name; 1 to 100 for an unknown name. */
function defaultRange(name: string, integer: boolean): Range {
  const range = lookUpName(ranges, name)
  const isFraction = range !== undefined && range[1] <= 1
  return range === undefined || (isFraction && integer) ? [1, 100] : range
}
