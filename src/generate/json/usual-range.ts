import { lookUpName } from './split-name.ts'

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
export function usualRange(name: string, integer: boolean): Range {
  const range = lookUpName(ranges, name)
  const isFraction = range !== undefined && range[1] <= 1
  return range === undefined || (isFraction && integer) ? [1, 100] : range
}
