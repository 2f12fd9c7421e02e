import { type Drawing, between } from './drawing.ts'
import { numberOf, type SchemaObject } from './json-schema.ts'
import { boundsOf, isMultiple, type NumberBounds } from './match-schema.ts'
import { lookUpName } from './draw-string.ts'

/** Where only one bound is set, numbers lie within so much of it. */
const USUAL_SPAN = 100

/** Multiples tried for one that is exact in floating point and a multiple of all. */
const MULTIPLES_TRIED = 60

/** Draws a number within the bounds and of the multiples that the schemas ask for. */
export function drawNumber(
  drawing: Drawing,
  facets: readonly SchemaObject[],
  integer: boolean,
  name: string,
): number {
  const bounds = boundsOf(facets)
  const steps = facets.map((facet) => numberOf(facet, 'multipleOf') ?? 0).filter((step) => step > 0)
  // Each step is tried with many numbers.
  if (steps.length > 1) drawing.budget.spend(steps.length * 50)
  const unit = integer ? wholeUnit(steps) : steps.length > 0 ? Math.max(...steps) : undefined
  const window = windowOf(bounds, usualRange(name, integer), unit ?? 0)
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

/** Where to draw: the usual range as far as the bounds allow, else near a bound. */
function windowOf(
  { low, high }: NumberBounds,
  usual: readonly [number, number],
  unit: number,
): [number, number] {
  const [from, to] = [Math.max(low, usual[0]), Math.min(high, usual[1])]
  if (to - from >= unit && from <= to) return [from, to]
  const span = USUAL_SPAN * Math.max(1, unit)
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
  for (let step = 0; step < MULTIPLES_TRIED; step++) {
    for (const count of [start + step, start - step, first + step]) {
      const value = exact(count, unit)
      if (fits(value)) return value
    }
  }
  return exact(start, unit)
}

/** With as few decimals as the range allows, and two where it is wide. */
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

/** The smallest integer that is a multiple of all steps; 1 without steps. */
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

/** `count * unit` in the decimals of the unit: 3 times 0.1 is 0.3. Never the negative zero, which JSON does not know. */
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

/** The range in which numbers of a property's name usually lie; 1 to 100 for names that say nothing. */
function usualRange(name: string, integer: boolean): Range {
  const range = lookUpName(ranges, name)
  const isFraction = range !== undefined && range[1] <= 1
  return range === undefined || (isFraction && integer) ? [1, 100] : range
}
